"""From a config to an engine that has run, and back from what was stored of it."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.loading import load_config, with_overrides
from backtest_store.runner.demo import DEMO_CONFIGS
from tests import forked
from tests.runner.conftest import PreparedBacktest, Preparing, prepare
from tests.waiting import LONG

MOMENTUM: dict[str, Any] = {
    "strategy": "momentum",
    "parameters": {"equity_fraction": 0.95},
    "data": {"source": "sp500_daily", "start": "2004-01-01", "end": "2005-12-31"},
}

STRATEGY = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.data import BarType
from nautilus_trader.trading.strategy import Strategy

class BuyOnceConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    units: int = {units}

class BuyOnce(Strategy):
    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        if not self.cache.orders():
            instrument = self.cache.instrument(self.config.instrument_id)
            quantity = instrument.make_qty(self.config.units)
            order = self.order_factory.market(instrument.id, OrderSide.BUY, quantity)
            self.submit_order(order)

class NotAStrategy:
    pass
"""


def balance(prepared: PreparedBacktest) -> Decimal:
    prepared.engine.run()
    amount: Decimal = prepared.engine.cache.accounts()[0].balance_total().as_decimal()
    return amount


def changed(**sections: Any) -> dict[str, Any]:
    return MOMENTUM | {key: MOMENTUM.get(key, {}) | value for key, value in sections.items()}


def write_strategy(directory: Path, units: int = 1, name: str = "mine") -> dict[str, Any]:
    directory.mkdir(exist_ok=True)
    (directory / f"{name}.py").write_text(STRATEGY.format(units=units), encoding="utf-8")
    data = MOMENTUM["data"]
    return {"strategy": f"{name}:BuyOnce", "data": data, "directory": str(directory)}


def test_what_is_known_of_a_prepared_backtest(preparing: Preparing) -> None:
    prepared = preparing(MOMENTUM | {"tags": ["a"], "note": "why"})
    backtest = prepared.backtest
    assert (backtest.name, backtest.type) == ("Momentum", "momentum")
    assert (backtest.tags, backtest.note) == (["a"], "why")
    assert prepared.facts.data_source == "sp500_daily"
    # Each bar is told when it closes, which is the midnight after its day.
    assert prepared.start == datetime(2004, 1, 3, tzinfo=UTC)
    assert prepared.end == datetime(2005, 12, 31, tzinfo=UTC)
    assert prepared.parameters["lookback"] == 20
    assert prepared.parameters["instrument_id"] == "SPX.XCBO"


def test_a_config_may_name_and_classify_its_strategy(preparing: Preparing) -> None:
    backtest = preparing(MOMENTUM | {"name": "Mine", "type": "trend_following"}).backtest
    assert (backtest.name, backtest.type) == ("Mine", "trend_following")


@pytest.mark.parametrize("path", DEMO_CONFIGS, ids=lambda path: path.stem)
def test_the_demos_trade_and_do_not_end_in_ruin(path: Path) -> None:
    prepared = prepare(load_config(path))
    assert balance(prepared) > 90_000
    cache = prepared.engine.cache
    assert len(cache.position_snapshots()) + len(cache.positions_closed()) > 25
    assert all(order.is_closed for order in cache.orders())
    assert sum(fee.as_decimal() for fee in cache.accounts()[0].commissions().values()) > 500
    prepared.engine.dispose()


PLAIN_NAUTILUS = """
import json, sys
from nautilus_trader.backtest.config import BacktestRunConfig
from nautilus_trader.backtest.node import BacktestNode

for content in json.load(open(sys.argv[1])):
    config = BacktestRunConfig.parse(json.dumps(content | {"dispose_on_completion": False}))
    node = BacktestNode([config])
    node.run()
    print(node.get_engine(config.id).cache.accounts()[0].balance_total().as_decimal())
    node.dispose()
"""


def test_plain_nautilus_trader_runs_what_is_stored_and_comes_to_the_same(tmp_path: Path) -> None:
    stored, expected = [], []
    for path in DEMO_CONFIGS:
        prepared = prepare(with_overrides(load_config(path), {"data.start": "2012-01-01"}))
        stored.append(prepared.backtest.run_config)
        expected.append(str(balance(prepared)))
    (tmp_path / "stored.json").write_text(json.dumps(stored), encoding="utf-8")
    command = [sys.executable, "-c", PLAIN_NAUTILUS, str(tmp_path / "stored.json")]
    done = forked.run(command, check=True)
    assert done.stdout.splitlines() == expected
    assert done.stderr == ""


def test_a_strategy_may_be_the_users_own(tmp_path: Path, preparing: Preparing) -> None:
    prepared = preparing(write_strategy(tmp_path) | {"parameters": {"units": "3"}})
    prepared.engine.run()
    assert [int(order.filled_qty) for order in prepared.engine.cache.orders()] == [3]
    backtest = prepared.backtest
    assert (backtest.name, backtest.type) == ("BuyOnce", "unclassified")
    assert prepared.parameters["units"] == 3


def test_two_directories_may_hold_modules_of_the_same_name(
    tmp_path: Path, preparing: Preparing
) -> None:
    first = write_strategy(tmp_path / "one", units=1)
    second = write_strategy(tmp_path / "two", units=2)
    for content, units in ((first, 1), (second, 2), (first, 1)):
        assert preparing(content).parameters["units"] == units
    own = preparing(first).engine.trader.strategies()[0]
    assert type(own) is type(preparing(first).engine.trader.strategies()[0])


def test_a_module_that_was_broken_may_be_mended(tmp_path: Path, preparing: Preparing) -> None:
    content = write_strategy(tmp_path, name="mended")
    (tmp_path / "mended.py").write_text("1 / 0", encoding="utf-8")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        preparing(content)
    write_strategy(tmp_path, units=4, name="mended")
    assert preparing(content).parameters["units"] == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategy": "mine:BuyTwice"}, "mine has no class 'BuyTwice'; did you mean 'BuyOnce'?"),
        ({"strategy": "mine:NotAStrategy"}, "mine:NotAStrategy is not a Strategy"),
        ({"strategy": "nowhere_at_all:X"}, "no module 'nowhere_at_all' beside this file"),
        ({"strategy": "broken:X"}, "broken:X cannot be imported: ZeroDivisionError"),
        ({"strategy_config": "mine:Other"}, "mine has no class 'Other'"),
        ({"parameters": {"unit": 3}}, "BuyOnce has no parameter 'unit'; did you mean 'units'?"),
        ({"parameters": {"units": 0}}, ""),
    ],
)
def test_a_strategy_that_cannot_be_used_is_named(
    changes: dict[str, Any], said: str, tmp_path: Path, preparing: Preparing
) -> None:
    content = write_strategy(tmp_path) | changes
    (tmp_path / "broken.py").write_text("1 / 0", encoding="utf-8")
    if not said:
        preparing(content)
        return
    with pytest.raises(UsageError) as caught:
        preparing(content)
    assert said in str(caught.value)


def test_orders_fill_at_the_close_or_a_tick_worse(preparing: Preparing) -> None:
    at_close = preparing(MOMENTUM)
    slipped = preparing(changed(venue={"slippage_probability": 1}))
    at_close.engine.run()
    slipped.engine.run()
    exact = {order.ts_last: order for order in at_close.engine.cache.orders()}
    for order in slipped.engine.cache.orders():
        tick = 0.01 if order.is_buy else -0.01
        assert order.avg_px == pytest.approx(exact[order.ts_last].avg_px + tick)


def test_the_seed_decides_which_orders_slip(preparing: Preparing) -> None:
    def fills(seed: int) -> list[float]:
        venue = {"slippage_probability": 0.5, "random_seed": seed}
        prepared = preparing(changed(venue=venue))
        prepared.engine.run()
        orders = prepared.engine.cache.orders()
        return [order.avg_px for order in sorted(orders, key=lambda order: order.ts_last)]

    assert fills(1) == fills(1)
    assert fills(1) != fills(2)


def test_the_engine_knows_the_leverage(preparing: Preparing) -> None:
    account = preparing(changed(venue={"leverage": 3})).engine
    account.run()
    assert account.cache.accounts()[0].default_leverage == 3


@pytest.mark.parametrize(
    ("venue", "of_value", "of_units", "of_orders"),
    [
        ({}, 0, 0, 0),
        ({"taker_fee": "0.001"}, 0.001, 0, 0),
        ({"maker_fee": "0.001"}, 0, 0, 0),
        ({"fee_per_unit": "0.05 USD"}, 0, 0.05, 0),
        ({"fee_per_order": "2 USD"}, 0, 0, 2),
    ],
)
def test_trading_costs_what_the_venue_takes(
    venue: dict[str, str], of_value: float, of_units: float, of_orders: float, preparing: Preparing
) -> None:
    prepared = preparing(changed(venue=venue))
    prepared.engine.run()
    orders = prepared.engine.cache.orders()
    assert len(orders) > 10
    fees = prepared.engine.cache.accounts()[0].commissions().values()
    value = sum(float(order.filled_qty) * order.avg_px for order in orders)
    units = sum(float(order.filled_qty) for order in orders)
    due = value * of_value + units * of_units + len(orders) * of_orders
    assert sum(fee.as_double() for fee in fees) == pytest.approx(due, abs=0.01 * len(orders))


def test_a_cash_account_trades_like_a_margin_account_that_never_borrows(
    preparing: Preparing,
) -> None:
    margin, cash = preparing(MOMENTUM), preparing(changed(venue={"account_type": "CASH"}))
    margin.engine.run()
    cash.engine.run()

    def sizes(prepared: PreparedBacktest) -> list[str]:
        return sorted(str(order.filled_qty) for order in prepared.engine.cache.orders())

    assert sizes(cash) == sizes(margin)


def test_a_position_open_at_the_end_stays_open(preparing: Preparing) -> None:
    prepared = preparing(changed(data={"end": "2004-12-31"}))
    prepared.engine.run()
    held = prepared.engine.cache.positions_open()
    assert [str(position.instrument_id) for position in held] == ["SPX.XCBO"]
    last_fill = max(order.ts_last for order in prepared.engine.cache.orders())
    assert last_fill < prepared.end.timestamp() * 10**9


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"venue": {"starting_balance": "1000 EUR"}}, "'1000 EUR' is not in USD, in which"),
        (
            {"venue": {"account_type": "CASH"}, "parameters": {"allow_short": True}},
            "allow_short must be False in a CASH account, was True",
        ),
        (
            {"venue": {"account_type": "CASH"}, "data": {"source": "eurusd_hourly", "end": None}},
            "EUR/USD.SIM needs a MARGIN account, was CASH",
        ),
        ({"data": {"start": "1990-01-01", "end": "1990-12-31"}}, "from 1990-01-01"),
        ({"instrument": {"size_precision": 2}}, "an equity trades in whole units, was 2"),
        ({"instrument": {"base_currency": "EUR"}}, "base_currency: only a pair has one, was EUR"),
        ({"instrument": {"type": "currency_pair", "currency": "USD"}}, "was USD"),
        (
            {"instrument": {"type": "currency_pair"}},
            "instrument.base_currency: 'SPX' does not tell it",
        ),
        ({"instrument": {"currency": "UDS"}}, "no currency 'UDS'; did you mean 'USD'?"),
        ({"instrument": {"lot_size": 0.5}}, "0.5 has more decimals than the size's 0"),
        (
            {"instrument": {"tick_size": 0.001, "price_precision": 2}},
            "0.001 has more decimals than price_precision 2",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(
    changes: dict[str, Any], said: str, preparing: Preparing
) -> None:
    with pytest.raises(UsageError) as caught:
        preparing(changed(**changes))
    assert said in str(caught.value)


def test_bars_that_the_engine_cannot_hold_are_refused(tmp_path: Path, preparing: Preparing) -> None:
    path = tmp_path / "pennies.csv"
    path.write_text("date,o,h,l,c\n2005-01-03,0.006,0.007,0.004,0.006\n", encoding="utf-8")
    data = {"path": str(path), "instrument": "PNNY.XNAS", "bar": "1-DAY"}
    content = {"strategy": "momentum", "parameters": {"trade_size": 1}, "data": data}
    assert str(preparing(content).instrument.price_increment) == "0.001"
    with pytest.raises(UsageError, match=r"low 0.004 is 0 at price_precision 2"):
        preparing(content | {"instrument": {"price_precision": 2}})
    path.write_text("date,o,h,l,c\n1969-12-31,1,1,1,1\n1970-01-01,1,1,1,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"pennies.csv begins before 1970, .*set data.start"):
        preparing(content)
    since = preparing(content | {"data": data | {"start": "1970-01-01"}})
    assert since.start == datetime(1970, 1, 2, tzinfo=UTC)
    path.write_text("date,o,h,l,c\n2005-01-03,1,1e30,1,1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"pennies.csv, bar of 2005-01-03"):
        preparing(content)


@pytest.mark.parametrize(
    ("instrument", "symbol", "expected"),
    [
        ({"type": "crypto"}, "BTC/USD", ("BTC", "USD", 8)),
        ({"type": "crypto", "size_precision": 3}, "PEPE2/USD", ("PEPE2", "USD", 3)),
        ({"type": "currency_pair"}, "EURUSD", ("EUR", "USD", 0)),
        ({"lot_size": 0.01}, "EUR/USD", ("EUR", "USD", 2)),
        (
            {"type": "crypto", "base_currency": "BTC", "quote_currency": "USD"},
            "BTCUSD-SPOT",
            ("BTC", "USD", 8),
        ),
    ],
)
def test_a_pair_is_described_by_little(
    instrument: dict[str, Any],
    symbol: str,
    expected: tuple[str, str, int],
    tmp_path: Path,
    preparing: Preparing,
) -> None:
    path = tmp_path / "pair.csv"
    path.write_text("date,o,h,l,c\n2005-01-03,1.5,1.7,1.4,1.6\n", encoding="utf-8")
    content = {
        "strategy": "momentum",
        "parameters": {"trade_size": 1},
        "data": {"path": "pair.csv", "instrument": f"{symbol}.SIM", "bar": "1-DAY"},
        "directory": str(tmp_path),
        "instrument": instrument,
    }
    prepared = preparing(content)
    made = prepared.instrument
    found = made.base_currency.code, made.quote_currency.code, made.size_precision
    assert found == expected
    assert prepared.facts.data_source == str(path)


def test_configs_and_prices_are_read_without_nautilus_trader() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from backtest_store.runner.config.loading import load_config\n"
        "from backtest_store.runner.data.csv_file import load_csv\n"
        "load_config(Path(sys.argv[1]))\n"
        "load_csv(Path(sys.argv[2]))\n"
        "print({'nautilus_trader', 'pandas', 'numpy'} & set(sys.modules))\n"
    )
    paths = [str(DEMO_CONFIGS[0]), str(BUNDLED_DATA["sp500_daily"].path)]
    command = [sys.executable, "-c", script, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONG)
    assert done.stdout == "set()\n"
