"""The JSON that a run carries, as an engine of today writes it, in the sizes it has there."""

import json
from random import Random

from tests.bench.market import PARAMETERS, Strategy

ENGINE_STATISTICS = {
    "pnls": (
        "PnL (total)", "PnL% (total)", "Max Winner", "Avg Winner", "Min Winner", "Min Loser",
        "Avg Loser", "Max Loser", "Expectancy", "Win Rate",
    ),
    "returns": (
        "Returns Volatility (252 days)", "Average (Return)", "Average Loss (Return)",
        "Average Win (Return)", "Sharpe Ratio (252 days)", "Sortino Ratio (252 days)",
        "Profit Factor", "Risk Return Ratio",
    ),
}  # fmt: skip
TRACEBACK = "\n".join(
    f'  File "/home/quant/desk/{module}.py", line {line}, in {function}\n    {call}'
    for module, line, function, call in (
        ("run", 48, "main", "engine.run()"),
        ("engine", 1203, "run", "self._run(start, end, run_config_id, streaming)"),
        ("engine", 1377, "_run", "self._data_engine.process(data)"),
        ("strategies/base", 88, "on_bar", "self.update(bar)"),
        ("strategies/signals", 131, "update", "return self.window[-self.lookback] / bar.close"),
    )
)


def parameters(random: Random, strategy: Strategy, instruments: list[str]) -> dict[str, object]:
    """Return what a run set: its strategy's parameters, one of them nested."""
    chosen = {name: random.choice(PARAMETERS[name]) for name in strategy.parameters}
    sizing = {"method": "fixed_fraction", "risk": random.choice((0.005, 0.01, 0.02))}
    return {"bar_type": f"{instruments[0]}-15-MINUTE-LAST-EXTERNAL", **chosen, "sizing": sizing}


def config_snapshot(strategy: Strategy, instruments: list[str], settings: str, dates: str) -> str:
    """Return a configuration in NautilusTrader's terms, around the JSON of its parameters."""
    module = strategy.name.lower().replace(" ", "_").replace("-", "_")
    path = f"desk.strategies.{strategy.type}.{module}"
    name = strategy.name.replace(" ", "").replace("-", "")
    start, end = dates.split("/")
    rest = {
        "venues": [
            {
                "name": instruments[0].split(".")[1], "oms_type": "NETTING",
                "account_type": "MARGIN", "base_currency": "USD",
                "starting_balances": ["1000000 USD"], "default_leverage": 10.0,
                "book_type": "L1_MBP", "bar_execution": True, "reject_stop_orders": True,
                "support_gtd_orders": True, "support_contingent_orders": True,
                "use_position_ids": True, "use_reduce_only": True, "trade_execution": False,
            }
        ],
        "data": [
            {
                "catalog_path": "/home/quant/catalog", "data_cls": "nautilus_trader.model.data:Bar",
                "instrument_id": instrument, "start_time": start, "end_time": end,
                "bar_types": [f"{instrument}-15-MINUTE-LAST-EXTERNAL"],
            }
            for instrument in instruments
        ],
        "engine": {"trader_id": "BACKTESTER-001", "run_analysis": True, "cache": None},
    }  # fmt: skip
    return (
        f'{{"strategies": [{{"strategy_path": "{path}:{name}", "config_path": '
        f'"{path}:{name}Config", "config": {settings}}}], {json.dumps(rest)[1:]}'
    )


def provenance(random: Random, strategy: Strategy) -> str:
    """Return what made a run: versions, commit, source and command line."""
    module = strategy.name.lower().replace(" ", "_")
    return json.dumps(
        {
            "engine": "1.221.0", "python": "3.11.7",
            "platform": "Linux-6.8.0-x86_64-with-glibc2.39",
            "packages": {"nautilus_trader": "1.221.0", "numpy": "2.4.6", "pandas": "2.3.3",
                         "pyarrow": "26.0.1", "backtest_store": "0.1.0"},
            "git": {"commit": f"{random.getrandbits(160):040x}", "dirty": random.random() < 0.3},
            "source_hash": f"{random.getrandbits(256):064x}",
            "command_line": ["python", "run.py", f"strategies/{module}.py", "--catalog", "prod"],
        }
    )  # fmt: skip


def engine_stats(random: Random) -> str:
    """Return the engine's own statistics, every digit of them."""
    pnls = ", ".join(f'"{n}": {random.gauss(0, 900)!r}' for n in ENGINE_STATISTICS["pnls"])
    returns = ", ".join(f'"{n}": {random.gauss(0, 0.02)!r}' for n in ENGINE_STATISTICS["returns"])
    general = f'"Long Ratio": {random.random()!r}'
    return f'{{"pnls": {{"USD": {{{pnls}}}}}, "returns": {{{returns}}}, "general": {{{general}}}}}'
