"""NautilusTrader's documented configurations run under `btstore run` as its own node runs them."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableFeeModelConfig,
    ImportableFillModelConfig,
    ImportableLatencyModelConfig,
)
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.data import (
    BookOrder,
    OrderBookDelta,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.config import ImportableStrategyConfig

from backtest_store.errors import UsageError
from backtest_store.runner.config.expansion import expand
from backtest_store.runner.config.loading import load_config
from backtest_store.runner.config_runs import execute
from backtest_store.runner.nautilus1.node import SharingNode
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.shell import btstore

QUIET = LoggingConfig(bypass_logging=True)
SECOND = 1_000_000_000
BEGINNING = 1_704_067_200 * SECOND  # 2024-01-01
MODELS, CONFIGS = "nautilus_trader.backtest.models", "nautilus_trader.backtest.config"
EXAMPLES = "nautilus_trader.examples.strategies"


def waves(count: int) -> Iterator[tuple[int, float]]:
    """Yield a time each ten seconds, and a number that goes up and down."""
    for place in range(count):
        yield (
            BEGINNING + place * 10 * SECOND,
            math.sin(place / 180) + 0.3 * math.sin(place / 23) + place / 20_000,
        )


def catalog(path: Path, instrument: Instrument, data: list[Any]) -> str:
    written = ParquetDataCatalog(str(path))
    written.write_data([instrument])
    written.write_data(data)
    return str(path)


def strategy(name: str, module: str, **config: Any) -> ImportableStrategyConfig:
    path = f"{EXAMPLES}.{module}:{name}"
    return ImportableStrategyConfig(strategy_path=path, config_path=f"{path}Config", config=config)


def fx_quotes(path: Path) -> BacktestRunConfig:
    """Return the FX example of the high-level guide, with models for latency, fills and fees."""
    instrument = TestInstrumentProvider.default_fx_ccy("EUR/USD")
    price, size = instrument.make_price, instrument.make_qty(1_000_000)
    quotes = [
        QuoteTick(instrument.id, price(1.1 + w / 100), price(1.1001 + w / 100), size, size, t, t)
        for t, w in waves(4000)
    ]
    return BacktestRunConfig(
        venues=[
            BacktestVenueConfig(
                name="SIM",
                oms_type="HEDGING",
                account_type="MARGIN",
                base_currency="USD",
                starting_balances=["1_000_000 USD"],
                latency_model=ImportableLatencyModelConfig(
                    latency_model_path=f"{MODELS}:LatencyModel",
                    config_path=f"{CONFIGS}:LatencyModelConfig",
                    config={"base_latency_nanos": 20_000_000},
                ),
                fill_model=ImportableFillModelConfig(
                    fill_model_path=f"{MODELS}:FillModel",
                    config_path=f"{CONFIGS}:FillModelConfig",
                    config={"prob_slippage": 0.5, "random_seed": 7},
                ),
                fee_model=ImportableFeeModelConfig(
                    fee_model_path=f"{MODELS}:FixedFeeModel",
                    config_path=f"{CONFIGS}:FixedFeeModelConfig",
                    config={"commission": "2 USD"},
                ),
            )
        ],
        data=[
            BacktestDataConfig(
                catalog_path=catalog(path, instrument, quotes),
                data_cls=QuoteTick,
                instrument_id=instrument.id,
                start_time="2024-01-01T00:10:00Z",
                end_time="2024-01-01T10:30:00Z",
            )
        ],
        engine=BacktestEngineConfig(
            logging=QUIET,
            strategies=[
                strategy(
                    "EMACross", "ema_cross",
                    instrument_id="EUR/USD.SIM",
                    bar_type="EUR/USD.SIM-5-MINUTE-BID-INTERNAL",
                    fast_ema_period=3, slow_ema_period=7, trade_size="100000",
                )
            ],
        ),
    )  # fmt: skip


def crypto_trades(path: Path) -> BacktestRunConfig:
    """Return the crypto example: trades, an account of several currencies."""
    instrument = TestInstrumentProvider.ethusdt_binance()
    trades = [
        TradeTick(
            instrument.id, instrument.make_price(2000 + 50 * w), instrument.make_qty(10),
            AggressorSide.BUYER, TradeId(str(t)), t, t,
        )
        for t, w in waves(4000)
    ]  # fmt: skip
    return BacktestRunConfig(
        venues=[
            BacktestVenueConfig(
                name="BINANCE",
                oms_type="NETTING",
                account_type="CASH",
                starting_balances=["10 ETH", "100_000 USDT"],
                trade_execution=True,
            )
        ],
        data=[
            BacktestDataConfig(
                catalog_path=catalog(path, instrument, trades),
                data_cls=TradeTick,
                instrument_id=instrument.id,
            )
        ],
        engine=BacktestEngineConfig(
            logging=QUIET,
            strategies=[
                strategy(
                    "EMACross", "ema_cross",
                    instrument_id="ETHUSDT.BINANCE",
                    bar_type="ETHUSDT.BINANCE-250-TICK-LAST-INTERNAL",
                    fast_ema_period=2, slow_ema_period=4, trade_size="0.1",
                )
            ],
        ),
    )  # fmt: skip


def book_deltas(path: Path) -> BacktestRunConfig:
    """Return the order book example: deltas of a book with depth."""
    instrument = TestInstrumentProvider.ethusdt_binance()
    deltas = []
    for place, (t, w) in enumerate(waves(1500)):
        heavy = 500 if place % 7 == 0 else 100
        for side, shift, size in ((OrderSide.BUY, -0.05, heavy), (OrderSide.SELL, 0.05, 20)):
            price = instrument.make_price(2000 + 50 * w + shift)
            order = BookOrder(side, price, instrument.make_qty(size), 1 if shift < 0 else 2)
            clear = OrderBookDelta.clear(instrument.id, place * 3, t, t)
            if side == OrderSide.BUY:
                deltas.append(clear)
            deltas.append(
                OrderBookDelta(instrument.id, BookAction.ADD, order, 0, place * 3 + 1, t, t)
            )
    return BacktestRunConfig(
        venues=[
            BacktestVenueConfig(
                name="BINANCE",
                oms_type="NETTING",
                account_type="CASH",
                starting_balances=["20 ETH", "100_000 USDT"],
                book_type="L2_MBP",
            )
        ],
        data=[
            BacktestDataConfig(
                catalog_path=catalog(path, instrument, deltas),
                data_cls=OrderBookDelta,
                instrument_id=instrument.id,
            )
        ],
        engine=BacktestEngineConfig(
            logging=QUIET,
            strategies=[
                strategy(
                    "OrderBookImbalance", "orderbook_imbalance",
                    instrument_id="ETHUSDT.BINANCE", book_type="L2_MBP",
                    max_trade_size="0.5", trigger_min_size=50.0,
                )
            ],
        ),
    )  # fmt: skip


def fills_of(engine: BacktestEngine) -> list[tuple[str, ...]]:
    """Return each order's id, state, quantity, price and time."""
    return [
        (o.client_order_id.value, o.status.name, str(o.filled_qty), str(o.avg_px), str(o.ts_last))
        for o in sorted(engine.cache.orders(), key=lambda o: o.client_order_id.value)
    ]


def balances_of(engine: BacktestEngine) -> dict[str, dict[str, Decimal]]:
    """Return the balances of each account."""
    return {
        account.id.value: {
            currency.code: money.as_decimal()
            for currency, money in account.balances_total().items()
        }
        for account in engine.cache.accounts()
    }


class ByNautilus(NamedTuple):
    """What the node alone makes of a configuration."""

    fills: list[tuple[str, ...]]
    balances: dict[str, dict[str, Decimal]]
    result: Any


def by_nautilus(config: BacktestRunConfig) -> ByNautilus:
    """Run a configuration by the node alone."""
    kept = json.loads(config.json()) | {"dispose_on_completion": False, "raise_exception": True}
    again = BacktestRunConfig.parse(json.dumps(kept))
    node = BacktestNode([again])
    (result,) = node.run()
    (engine,) = node.get_engines()
    found = ByNautilus(fills_of(engine), balances_of(engine), result)
    node.dispose()  # type: ignore[no-untyped-call]
    return found


@pytest.mark.parametrize("example", [fx_quotes, crypto_trades, book_deltas])
def test_a_dump_runs_and_is_stored_as_the_node_runs_it(
    example: Any, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_as_the_node_runs_it(example(tmp_path / "catalog"), store, tmp_path, monkeypatch)


def runs_as_the_node_runs_it(
    config: BacktestRunConfig, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dump and run a configuration: the same orders, fills, balances and profits, and so again."""
    expected, balances, result = by_nautilus(config)
    assert len(expected) > 10
    seen: list[tuple[list[tuple[str, ...]], dict[str, dict[str, Decimal]]]] = []
    dispose = SharingNode.dispose

    def keep(node: SharingNode) -> None:
        (engine,) = node.get_engines()
        seen.append((fills_of(engine), balances_of(engine)))
        dispose(node)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(SharingNode, "dispose", keep)
    path = tmp_path / "run.json"
    dump = json.loads(config.json()) | {"dispose_on_completion": False}
    path.write_text(json.dumps(dump))
    run = execute(load_config(path))
    assert run.status == "success", run.error_message
    assert seen == [(expected, balances)]
    assert run.engine_stats is not None
    if all(venue.base_currency for venue in config.venues):
        assert run.final_balance == sum(held["USD"] for held in balances.values())
    for currency, statistics in result.stats_pnls.items():
        ours = run.engine_stats["pnls"][currency]
        for name, value in statistics.items():
            expected_value = [None, "NaN"] if math.isnan(value) else [pytest.approx(value)]
            assert ours[name] in expected_value, name
    (saved,) = stored(store)
    snapshot = json.dumps(saved["config_snapshot"])
    assert by_nautilus(BacktestRunConfig.parse(snapshot)).fills == expected


def test_a_dump_runs_from_the_shell_and_prints_nothing_of_the_engines(
    store: str, tmp_path: Path
) -> None:
    config = json.loads(fx_quotes(tmp_path / "catalog").json())
    config["engine"]["logging"] = None  # as most have it, which is to write everything
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config))
    answer = btstore("run", str(path), "--format", "json", "--tag", "fx")
    assert (answer.code, answer.err) == (0, "")
    (run,) = json.loads(answer.out)
    assert (run["strategy_name"], run["tags"]) == ("EMACross", ["fx"])
    again = btstore("run", str(path), "--skip-existing", "--format", "json")
    assert json.loads(again.out) == [run]
    grid = btstore(
        "run", str(path), "--set", "fast_ema_period=2,3", "--set", "venues.0.default_leverage=5,9",
        "--format", "json",
    )  # fmt: skip
    assert grid.code == 0
    found = {
        (
            r["parameters"]["fast_ema_period"],
            r["config_snapshot"]["venues"][0]["default_leverage"],
        )
        for r in stored(store)[1:]
    }
    assert found == {(2, 5.0), (2, 9.0), (3, 5.0), (3, 9.0)}


def test_what_an_engine_logs_does_not_come_between_the_data(store: str, tmp_path: Path) -> None:
    config = json.loads(fx_quotes(tmp_path / "catalog").json())
    config["engine"]["logging"] = {"log_level": "INFO"}  # on standard output, as engines do
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config))
    program = "from backtest_store.cli.app import entry; entry()"
    words = ["run", str(path), "--set", "fast_ema_period=2,3", "--jobs", "2", "--format", "json"]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=True)
    assert len(json.loads(done.stdout)) == len(stored(store)) == 2
    assert done.stderr.count(b"PORTFOLIO PERFORMANCE") == 2


MISTAKES: list[tuple[str, Any, str, str]] = [
    ("venues.0.oms_typ", "NETTING", "oms_typ", "no key 'venues[0].oms_typ'; did you mean 'oms_type'?"),
    ("venues.0.oms_type", "NETTIN", "oms_type", "no OmsType 'NETTIN'; did you mean 'NETTING'?"),
    ("venues.0.default_leverage", "much", "default_leverage", "default_leverage must be a number, was 'much'"),
    ("venues.0.starting_balances", ["1 USD", "lots"], "data", "'lots' is not an amount of money"),
    ("data.0.catalog_path", "nowhere", "catalog_path", "catalog_path: no folder"),
    ("data.0.start_time", "soon", "start_time", "data[0].start_time: 'soon' is not a time; write 2005-01-31"),
    ("data.0.instrument_id", "EUR/USB.SIM", "data", "has no instrument EUR/USB.SIM; did you mean 'EUR/USD.SIM'?"),
    ("engine.strategies.0.strategy_path", "nowhere:X", "strategy_path", "no module 'nowhere' beside this file"),
    ("engine.strategies.0.config.fast_ema", 3, "fast_ema", "no key 'engine.strategies[0].config.fast_ema'; did you mean 'fast_ema_period'?"),
    ("engine.strategies.0.config.fast_ema_period", [3, 4], "fast_ema_period", "fast_ema_period must be a whole number, was [3, 4]; give one value here, and several under [grid] or --set"),
    ("engine.strategies.0.config.bar_type", "EUR/USD.SIM-1-DAYS-BID-INTERNAL", "bar_type", "is no kind of bar"),
    ("venues.0.name", "XCME", "venues", 'no venue is called SIM, where EUR/USD.SIM trades; write name = "SIM"'),
    ("venues", {"name": "SIM"}, "venues", "venues must be a list; write [[venues]]"),
    ("venues.0.base_currency", "EUR", "data", "starting_balances[0]: '1_000_000 USD' is not in the base_currency EUR"),
    ("data.0.data_cls", "QuoteTick", "data_cls", "data[0].data_cls: 'QuoteTick' is without its module; write 'nautilus_trader.model.data:QuoteTick'"),
    ("engine.strategies.0.strategy_path", "mine.py:X", "strategy_path", "strategy_path: 'mine.py' is a file; write 'mine:X'"),
    ("engine.strategies.0.config.instrument_id", "EURUSD", "data", "config.instrument_id: 'EURUSD' is not an instrument; write SYMBOL.VENUE, such as 'AAPL.XNAS'"),
    ("engine.strategies.0.config.trade_size", "lots", "trade_size", "config.trade_size must be a number, was 'lots'"),
    ("engine.risk_engine.bypas", True, "bypas", "no key 'engine.risk_engine.bypas'; did you mean 'bypass'?"),
    ("tags", "a", "tags", "tags must be a list, was 'a'"),
]  # fmt: skip


def put(content: Any, path: str, value: Any) -> None:
    *way, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    for key in way:
        content = content[key]
    content[last] = value


@pytest.mark.parametrize(("path", "value", "key", "said"), MISTAKES)
def test_a_mistake_is_told_by_file_line_and_key(
    path: str, value: Any, key: str, said: str, tmp_path: Path
) -> None:
    content = json.loads(fx_quotes(tmp_path / "catalog").json())
    put(content, path, value)
    text = json.dumps(content, indent=1)
    file = tmp_path / "run.json"
    file.write_text(text)
    from backtest_store.runner.facts_before_run import facts_of

    with pytest.raises(UsageError) as caught:
        facts_of(expand(load_config(file)))
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    line = next(n for n, row in enumerate(text.splitlines(), 1) if f'"{key}":' in row)
    if key not in ("data", "venues"):  # what the data and the venue do not fit is told of both
        assert message.startswith(f"{file}, line {line}: "), message


def test_an_account_that_nautilus_kept_from_an_earlier_run_is_told_of(
    store: str, tmp_path: Path
) -> None:
    """It takes back neither that an account is calculated, nor that it may borrow."""
    calculated = json.loads(fx_quotes(tmp_path / "catalog").json())
    frozen = deepcopy(calculated)
    frozen["venues"][0]["frozen_account"] = True
    lending = json.loads(crypto_trades(tmp_path / "crypto").json())
    lending["venues"][0]["allow_cash_borrowing"] = True
    strict = deepcopy(lending)
    strict["venues"][0]["allow_cash_borrowing"] = False
    paths = [tmp_path / f"{number}.json" for number in range(4)]
    for path, config in zip(paths, (calculated, frozen, lending, strict), strict=True):
        path.write_text(json.dumps(config))
    # In a process of its own: what NautilusTrader keeps would stay for the next tests.
    btstore_ = Path(sys.executable).with_name("btstore")
    command: list[str | Path] = [btstore_, "run", *paths, "--format", "json"]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    runs = json.loads(answer.stdout)
    told = [[w for w in run["warnings"] or [] if "earlier run" in w] for run in runs]
    why = "because of an earlier run on that venue in this process"
    assert told == [
        [],
        [f"the account of SIM was not frozen, {why}"],
        [],
        [f"the account of BINANCE could borrow, {why}"],
    ]
    assert [run["config_hash"] is None for run in runs] == [False, True, False, True]
    unknown = {
        row["run_id"]: row["provenance"].get("identity_unknown", []) for row in stored(store)
    }
    assert [unknown[run["run_id"]] for run in runs] == told
