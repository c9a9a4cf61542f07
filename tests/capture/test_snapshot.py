"""Configuration snapshots: a run in NautilusTrader's own terms."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from nautilus_trader.backtest.config import BacktestVenueConfig
from nautilus_trader.backtest.models import FillModel, FixedFeeModel, LatencyModel
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.objects import Money
from nautilus_trader.trading.config import ImportableStrategyConfig, StrategyFactory

from backtest_store.capture.accounting.days import moment
from backtest_store.capture.identity.json_values import plain
from tests.capture.backtests import Scripted, backtest, bars, engine, scripted, share
from tests.capture.recorded import recorded

CLOSES = [100, 110, 120, 115]
ORDERS = {0: 10, 2: -10}


def test_engine_is_described_in_the_terms_of_a_run_configuration() -> None:
    made = backtest(
        CLOSES,
        ORDERS,
        account_type=AccountType.CASH,
        fill_model=FillModel(prob_slippage=0.25),
        fee_model=FixedFeeModel(Money(3, USD)),
        latency_model=LatencyModel(base_latency_nanos=5),
    )
    snapshot = recorded(made).config_snapshot
    (venue,) = snapshot["venues"]
    assert (venue["name"], venue["oms_type"], venue["account_type"]) == ("XNAS", "NETTING", "CASH")
    assert (venue["base_currency"], venue["starting_balances"]) == ("USD", ["10000.00 USD"])
    assert venue["fill_model"]["config"]["prob_slippage"] == 0.25
    assert venue["fee_model"]["config"]["commission"] == "3.00 USD"
    assert venue["latency_model"]["config"]["base_latency_nanos"] == 5
    parsed = BacktestVenueConfig.parse(msgspec.json.encode(venue))
    assert (parsed.name, parsed.default_leverage) == ("XNAS", 1.0)
    (data,) = snapshot["data"]
    assert data["streams"] == ["ACME.XNAS-1-DAY-LAST-EXTERNAL"]
    assert (data["count"], data["first"]) == (4, "2024-01-01T00:00:00+00:00")
    (instrument,) = snapshot["instruments"]
    assert (instrument["id"], instrument["type"]) == ("ACME.XNAS", "Equity")


def test_strategy_can_be_made_again_from_its_snapshot() -> None:
    made = backtest(CLOSES, ORDERS)
    snapshot = recorded(made).config_snapshot
    (entry,) = snapshot["engine"]["strategies"]
    assert {name: snapshot[name] for name in entry} == entry
    again = StrategyFactory.create(ImportableStrategyConfig(**entry))
    (original,) = made.trader.strategies()
    assert type(again) is Scripted
    assert again.config == original.config


def test_times_keep_their_microseconds() -> None:
    assert moment(1_700_000_000_123_456_789) == datetime(
        2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC
    )
    assert moment(None) is None


def test_only_a_part_of_the_data_was_run() -> None:
    record = recorded(backtest(CLOSES, ORDERS), start="2024-01-02", end="2024-01-03")
    assert record.start_date == datetime(2024, 1, 2, tzinfo=UTC)
    assert record.end_date == datetime(2024, 1, 3, tzinfo=UTC)


def test_parameters_are_what_the_strategy_has_of_its_own() -> None:
    record = recorded(backtest(CLOSES, ORDERS))
    assert set(record.parameters) == {
        "instrument_id",
        "bar_type",
        "orders",
        "raise_at",
        "exception",
        "close_on_stop",
    }


def test_decimal_parameters_keep_their_text() -> None:
    made = engine(share())
    made.add_data(bars(share(), CLOSES))
    made.add_strategy(scripted(share(), {0: "1.50"}))
    record = recorded(made)
    assert record.parameters["orders"] == {"0": "1.50"}
    assert plain(Decimal("1.50")) == "1.50"
