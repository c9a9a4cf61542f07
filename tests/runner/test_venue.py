"""What does not flatter: margins that are real, fills that come later, costs that are told."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.enums import OrderStatus

from backtest_store.runner.config.expansion import COSTS_NOTHING, expand
from backtest_store.runner.config.loading import parse_config
from tests.runner.conftest import Preparing

DAYS = [(f"2020-01-{day:02}", 100 + day, 100 + 2 * day) for day in range(1, 21)]
STRATEGY = """
from decimal import Decimal
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy


class PlanConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId
    bar_type: BarType
    orders: dict[str, str]  # at which bar how many units are bought, or sold if negative


class Plan(Strategy):
    def on_start(self):
        self.bars = 0
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar):
        self.bars += 1
        for units in filter(None, self.config.orders.get(str(self.bars), "").split()):
            instrument = self.cache.instrument(self.config.instrument_id)
            side = OrderSide.SELL if units.startswith("-") else OrderSide.BUY
            quantity = instrument.make_qty(Decimal(units.lstrip("-")))
            self.submit_order(self.order_factory.market(instrument.id, side, quantity))
"""


def content(folder: Path, orders: dict[int, str], **venue: Any) -> dict[str, Any]:
    """Return a config of a strategy that does as it is told, on prices that are known."""
    (folder / "plan.py").write_text(STRATEGY)
    rows = [f"{day},{opening},{close + 50},50,{close}" for day, opening, close in DAYS]
    (folder / "ACME.csv").write_text("date,open,high,low,close\n" + "\n".join(rows))
    return {
        "strategy": "plan:Plan",
        "parameters": {"orders": {str(bar): units for bar, units in orders.items()}},
        "data": {"path": "ACME.csv"},
        "venue": {"starting_balance": "10000 USD"} | venue,
        "directory": str(folder),
    }


def outcomes(engine: BacktestEngine) -> list[tuple[str, float | None]]:
    """Return each order's state, in the order in which they were made, and its price."""
    engine.run()
    orders = sorted(engine.cache.orders(), key=lambda order: order.client_order_id.value)
    return [(o.status.name, o.avg_px if o.filled_qty > 0 else None) for o in orders]


def test_an_account_refuses_what_it_cannot_carry(tmp_path: Path, preparing: Preparing) -> None:
    # 10,000 USD carry 98 units at 102, not 99; a short position as little as a long one.
    for units, state in (("98", "FILLED"), ("99", "DENIED"), ("-98", "FILLED"), ("-99", "DENIED")):
        found = outcomes(preparing(content(tmp_path, {1: units})).engine)
        assert [status for status, _ in found] == [state], units
    million = outcomes(preparing(content(tmp_path, {1: "2000000"})).engine)
    assert million == [("DENIED", None)]


def test_leverage_is_what_it_says(tmp_path: Path, preparing: Preparing) -> None:
    for units, state in (("490", "FILLED"), ("491", "DENIED")):
        prepared = preparing(content(tmp_path, {1: units}, leverage=5))
        assert outcomes(prepared.engine)[0][0] == state
    margin = preparing(content(tmp_path, {1: "490"}, leverage=5) | {"instrument": {"margin": 0.1}})
    assert outcomes(margin.engine)[0][0] == "FILLED"
    assert margin.engine.cache.accounts()[0].margins_maint()


def test_closing_and_turning_always_pass_and_adding_counts_what_is_held(
    tmp_path: Path, preparing: Preparing
) -> None:
    plan = {1: "90", 2: "50", 3: "-90", 4: "-60", 5: "60 60", 6: "-200"}
    found = [status for status, _ in outcomes(preparing(content(tmp_path, plan)).engine)]
    #        buy      too much  close     short     cover     and buy   too much short
    assert found == ["FILLED", "DENIED", "FILLED", "FILLED", "FILLED", "FILLED", "DENIED"]


def test_the_reason_names_the_amounts(tmp_path: Path, preparing: Preparing) -> None:
    engine = preparing(content(tmp_path, {1: "99"})).engine
    engine.run()
    (order,) = engine.cache.orders()
    assert order.status == OrderStatus.DENIED
    assert order.last_event.reason == "INSUFFICIENT_MARGIN: needs 10098.00 USD, equity is 10000.00"


def test_profit_and_loss_count_before_they_are_realised(
    tmp_path: Path, preparing: Preparing
) -> None:
    # 50 units were bought at 102 and are worth 120 at the tenth close.
    # Equity is 10,000 + 50 × 18 = 10,900 then, which carries 90 units at 120: 40 more.
    for more, state in (("40", "FILLED"), ("41", "DENIED")):
        found = outcomes(preparing(content(tmp_path, {1: "50", 10: more})).engine)
        assert [status for status, _ in found] == ["FILLED", state]


def test_orders_fill_at_the_next_open(tmp_path: Path, preparing: Preparing) -> None:
    plan = {1: "10", 5: "-10", 9: "-5", 20: "5"}
    at_close = outcomes(preparing(content(tmp_path, plan)).engine)
    assert [price for _, price in at_close] == [102, 110, 118, 140]
    later = preparing(content(tmp_path, plan, fill="next_open"))
    found = outcomes(later.engine)
    # The last order waits for an opening that the data does not have.
    assert [price for _, price in found] == [102, 106, 110, None]
    filled = [o for o in later.engine.cache.orders() if o.filled_qty > 0]
    assert all(o.ts_last > o.ts_init for o in filled)


@pytest.mark.parametrize(
    ("venue", "buy", "sell"),
    [
        ({}, "102", "110"),
        ({"slippage_ticks": 3}, "102.03", "109.97"),
        ({"slippage_fraction": 0.001}, "102.11", "109.89"),  # to the next worse tick
        ({"slippage_fraction": 0.0001}, "102.02", "109.98"),
        ({"slippage_ticks": 2, "fill": "next_open"}, "102.02", "105.98"),
    ],
)
def test_slippage_is_ticks_or_a_fraction(
    venue: dict[str, Any], buy: str, sell: str, tmp_path: Path, preparing: Preparing
) -> None:
    found = outcomes(preparing(content(tmp_path, {1: "10", 5: "-10"}, **venue)).engine)
    assert [Decimal(str(price)) for _, price in found] == [Decimal(buy), Decimal(sell)]


def test_a_rate_is_charged_whatever_fees_the_instrument_has(
    tmp_path: Path, preparing: Preparing
) -> None:
    engine = preparing(content(tmp_path, {1: "10", 5: "-10"}, taker_fee=0.01)).engine
    outcomes(engine)
    (fees,) = engine.cache.accounts()[0].commissions().values()
    assert fees.as_decimal() == Decimal("10.20") + Decimal("11.00")


@pytest.mark.parametrize(
    ("venue", "is_told"),
    [
        ({}, True),
        ({"taker_fee": 0}, True),
        ({"taker_fee": 0.001}, False),
        ({"fee_per_order": "1 USD"}, False),
        ({"slippage_ticks": 1}, False),
        ({"slippage_probability": 0.5}, False),
        ({"fill": "next_open"}, False),
    ],
)
def test_what_costs_nothing_is_told(venue: dict[str, Any], is_told: bool, tmp_path: Path) -> None:
    remarks = expand(parse_config(content(tmp_path, {}, **venue), origin="test")).remarks
    assert (COSTS_NOTHING in remarks) == is_told


@pytest.mark.parametrize(("stamp", "hour"), [("open", 11), ("close", 10), (None, 11)])
def test_a_bar_is_told_when_it_closes(
    stamp: str | None, hour: int, tmp_path: Path, preparing: Preparing
) -> None:
    rows = [f"2020-01-01T{hour:02}:00,10,12,9,11" for hour in range(10, 20)]
    (tmp_path / "X.csv").write_text("time,open,high,low,close\n" + "\n".join(rows))
    data = {"path": "X.csv"} | ({} if stamp is None else {"timestamp": stamp})
    prepared = preparing(content(tmp_path, {}) | {"data": data})
    assert (prepared.start.hour, prepared.end.hour) == (hour, hour + 9)
    is_told = any('write timestamp = "close"' in remark for remark in prepared.backtest.remarks)
    assert is_told == (stamp is None)


def test_the_bundled_hours_close_an_hour_after_they_open(preparing: Preparing) -> None:
    data = {"source": "eurusd_hourly", "end": "2017-01-03"}
    prepared = preparing({"strategy": "momentum", "parameters": {"trade_size": 1}, "data": data})
    assert (prepared.start.hour, prepared.start.minute) == (23, 0)  # the first begins at 22:00
    assert prepared.end.isoformat() == "2017-01-04T00:00:00+00:00"
