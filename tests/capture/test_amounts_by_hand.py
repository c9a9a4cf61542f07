"""What money came to, worked out by hand, where the engine or an easy way would have it wrong."""

from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, localcontext
from math import inf
from typing import Any

import pytest
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FeeModel, FixedFeeModel
from nautilus_trader.model.currencies import BTC, ETH, EUR, GBP, JPY, USD, USDT
from nautilus_trader.model.data import Bar, BarType, QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
from nautilus_trader.model.identifiers import TradeId, Venue
from nautilus_trader.model.instruments import Equity, Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from backtest_store import record, save_run
from backtest_store.models import Record
from tests.capture.backtests import (
    MINUTE,
    START,
    backtest,
    bars,
    engine,
    pair,
    scripted,
    share,
)

pytestmark = pytest.mark.usefixtures("store")
SIX_HOURS = timedelta(hours=6)
DAY = timedelta(days=1)


def recorded(made: BacktestEngine) -> Any:
    """Run an engine under `record`, and return what it captured."""
    with record(made) as run:
        made.run()
    (saved,) = run.records
    assert saved.status == "success"
    return saved


def unwatched(
    made: BacktestEngine, monkeypatch: pytest.MonkeyPatch, context: Context | None = None
) -> Any:
    """Run an engine, and return what `save_run` captures of it, in a `decimal` context."""
    seen: list[Record] = []
    monkeypatch.setattr("backtest_store.saving.save.save_record", lambda run, *_: seen.append(run))
    made.run()
    with localcontext(context):
        save_run(made)
    return seen[0]


def other_warnings(saved: Any) -> list[str]:
    """Return the warnings that are not about metrics for which the run was too short."""
    return [w for w in saved.warnings or [] if ": undefined, " not in w]


def euro_share() -> Equity:
    return share("SAP", "SIM", EUR)


class FeeIn(FeeModel):  # type: ignore[misc]
    """A fee of a fixed amount for each fill, in a currency of its own."""

    def __init__(self, fee: Money) -> None:
        super().__init__()
        self.fee = fee

    def get_commission(self, *_: Any) -> Money:
        """Return the fee, whatever was filled."""
        return self.fee


# Premium instruments


@pytest.mark.parametrize("account", [AccountType.MARGIN, AccountType.CASH])
def test_the_premium_of_a_long_option_is_counted_once(account: AccountType) -> None:
    option = TestInstrumentProvider.aapl_option()
    made = engine(option, account_type=account, balances=[Money(100_000, USD)])
    made.add_data(bars(option, [2, 3, 5], start=datetime(2021, 10, 1, tzinfo=UTC)))
    made.add_strategy(scripted(option, {0: 10}))
    saved = recorded(made)
    per_point = (saved.net_profit or Decimal(0)) / 3
    # Releases differ in whether an account counts the multiplier of 100; the gain is 3 a unit.
    assert per_point in (10, 1_000)
    if account is AccountType.MARGIN:
        assert saved.net_profit == 3_000
        assert saved.unrealised_profit == 3_000
        assert other_warnings(saved) == []


def test_the_premium_of_a_short_option_is_no_profit() -> None:
    option = TestInstrumentProvider.aapl_option()
    made = engine(option, balances=[Money(100_000, USD)])
    made.add_data(bars(option, [2, 3, 3], start=datetime(2021, 10, 1, tzinfo=UTC)))
    made.add_strategy(scripted(option, {0: -1}))
    saved = recorded(made)
    assert saved.net_profit == -100
    assert saved.total_return == pytest.approx(-0.001)
    assert other_warnings(saved) == []


def test_an_option_that_was_sold_again_earned_the_difference() -> None:
    option = TestInstrumentProvider.aapl_option()
    made = engine(option, balances=[Money(100_000, USD)])
    made.add_data(bars(option, [2, 3, 4, 4], start=datetime(2021, 10, 1, tzinfo=UTC)))
    made.add_strategy(scripted(option, {0: 2, 2: -2}))
    saved = recorded(made)
    assert (saved.net_profit, saved.expectancy, saved.unrealised_profit) == (400, 400, 0)
    assert saved.final_balance == 100_400
    assert other_warnings(saved) == []


# Starting capital


def doubling() -> BacktestEngine:
    """Ten thousand dollars and five bitcoins at 2,000 that double before the second day."""
    instrument = pair("BTCUSDT", BTC, USDT)
    made = engine(
        instrument,
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(5, BTC), Money(0, USDT)],
    )
    made.add_data(bars(instrument, [2_000, 3_000, 4_000], start=START + SIX_HOURS, step=SIX_HOURS))
    made.add_data(bars(instrument, [4_000], start=START + DAY + SIX_HOURS))
    made.add_strategy(scripted(instrument, {}))
    return made


def test_a_portfolio_that_doubles_within_its_first_day_has_doubled() -> None:
    saved = recorded(doubling())
    assert (saved.initial_capital, saved.net_profit) == (10_000, 10_000)
    assert saved.total_return == 1.0


def test_it_has_doubled_too_if_nobody_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = unwatched(doubling(), monkeypatch)
    assert (saved.initial_capital, saved.total_return) == (10_000, 1.0)


def test_each_currency_is_valued_at_its_own_first_price() -> None:
    btc, eth = pair("BTCUSDT", BTC, USDT), pair("ETHUSDT", ETH, USDT)
    made = engine(
        btc,
        eth,
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(1, BTC), Money(10, ETH), Money(1_000, USDT)],
    )
    made.add_data(bars(btc, [20_000, 30_000, 30_000], start=START + SIX_HOURS))
    made.add_data(bars(eth, [1_000, 1_500], start=START + DAY + 2 * SIX_HOURS))
    made.add_strategy(scripted(btc, {}))
    assert recorded(made).initial_capital == 31_000


# Amounts in other currencies


def test_profit_that_the_engine_could_not_convert_is_told_with_its_amount() -> None:
    shares = euro_share()
    made = engine(shares, balances=[Money(10_000, USD)])
    made.add_data(bars(shares, [100, 110, 110, 110]))
    made.add_strategy(scripted(shares, {0: 10, 1: -10}))
    saved = recorded(made)
    assert saved.net_profit == 0
    assert (saved.total_trades, saved.winning_trades, saved.expectancy) == (1, 1, None)
    assert any("may lack +100 EUR" in warning for warning in saved.warnings or [])


def test_euro_shares_that_a_dollar_account_could_not_pay_for_are_no_profit_without_a_word() -> None:
    shares, eurusd = euro_share(), pair("EUR/USD", EUR, USD, venue="FX")
    made = engine(shares, account_type=AccountType.CASH, balances=[Money(100_000, USD)])
    made.add_venue(
        venue=Venue("FX"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(1, USD)],
    )
    made.add_instrument(eurusd)
    made.add_data(bars(shares, [100, 100, 100]))
    made.add_data(bars(eurusd, [1.1, 1.1, 1.1], start=START - SIX_HOURS))
    made.add_strategy(scripted(shares, {0: 500}))
    saved = recorded(made)
    # The engine converts by quotes alone and took nothing from the account; the shares are there.
    assert saved.net_profit == 55_000
    assert any("+55,000.00" in w and "not accounted for" in w for w in saved.warnings or [])


def test_what_is_missing_is_told_where_another_account_holds_another_currency() -> None:
    """The second account's pounds gain and lose by their rate, which no fill explains."""
    shares = euro_share()
    eurusd, gbpusd = (pair(f"{c.code}/USD", c, USD, venue="FX") for c in (EUR, GBP))
    made = engine(shares, balances=[Money(10_000, USD)])
    made.add_venue(
        venue=Venue("FX"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        starting_balances=[Money(1, USD), Money(100, GBP)],
    )
    for instrument in (eurusd, gbpusd):
        made.add_instrument(instrument)
        made.add_data(bars(instrument, [1.1, 1.2, 1.3, 1.4], start=START - SIX_HOURS))
    made.add_data(bars(shares, [100, 110, 110, 110]))
    made.add_strategy(scripted(shares, {0: 10, 1: -10}))
    (told,) = [w for w in recorded(made).warnings or [] if "not accounted for" in w]
    assert told == (
        "the USD of SIM-001 changed by +0.00, the fills explain +120.00: "
        "-120.00 is not accounted for"
    )


def test_a_balance_in_another_currency_is_explained_although_its_rate_moves() -> None:
    shares, eurusd = euro_share(), pair("EUR/USD", EUR, USD)
    made = engine(shares, eurusd, base_currency=None, balances=[Money(10_000, USD)])
    made.add_data(bars(shares, [100, 110, 110, 110]))
    made.add_data(rates(eurusd, 1, 2, 3, 4))
    made.add_strategy(scripted(shares, {0: 10, 1: -10}))
    saved = recorded(made)
    assert saved.net_profit == 400
    assert not [w for w in saved.warnings or [] if "not accounted for" in w]


def test_a_balance_of_nothing_needs_no_exchange_rate() -> None:
    made = engine(share(), balances=[Money(10_000, USD), Money(0, EUR)], base_currency=None)
    made.add_data(bars(share(), [100, 110, 110, 110]))
    made.add_strategy(scripted(share(), {0: 10, 1: -10}))
    saved = recorded(made)
    assert (saved.initial_capital, saved.net_profit) == (10_000, 100)
    assert saved.total_return == pytest.approx(0.01)


def rates(instrument: Instrument, *prices: int) -> list[QuoteTick]:
    """Quote a pair once a day without a spread; the engine itself converts by quotes alone."""
    return [
        quote(instrument, START + n * DAY, f"{price}.00000", f"{price}.00000")
        for n, price in enumerate(prices)
    ]


def moving_rate(fee: Money | None = None) -> BacktestEngine:
    """100,000 yen earned at 100 to the dollar, which is 200 in the end."""
    eurjpy, usdjpy = pair("EUR/JPY", EUR, JPY), pair("USD/JPY", USD, JPY)
    settings = {} if fee is None else {"fee_model": FeeIn(fee)}
    made = engine(eurjpy, usdjpy, balances=[Money(100_000, USD)], **settings)
    made.add_data(rates(usdjpy, 100, 100, 200, 200))
    made.add_data(bars(eurjpy, [150, 160, 160, 160], start=START + SIX_HOURS))
    made.add_strategy(scripted(eurjpy, {0: 10_000, 1: -10_000}))
    return made


def test_a_trade_is_worth_what_it_earned_when_it_was_closed() -> None:
    saved = recorded(moving_rate())
    assert (saved.expectancy, saved.net_profit) == (1_000, 1_000)
    assert other_warnings(saved) == []


def test_also_if_nobody_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unwatched(moving_rate(), monkeypatch).expectancy == 1_000


def test_fees_are_worth_what_they_cost_when_they_were_paid() -> None:
    eurjpy, usdjpy = pair("EUR/JPY", EUR, JPY), pair("USD/JPY", USD, JPY)
    made = engine(
        eurjpy, usdjpy, balances=[Money(100_000, USD)], fee_model=FeeIn(Money(10_000, JPY))
    )
    made.add_data(rates(usdjpy, 100, 100, 50, 50))
    made.add_data(bars(eurjpy, [150] * 4, start=START + SIX_HOURS))
    made.add_strategy(scripted(eurjpy, {0: 100, 1: -100}))
    saved = recorded(made)
    assert (saved.total_fees, saved.expectancy, saved.net_profit) == (200, -200, -200)


def test_fees_in_a_third_currency_are_part_of_a_trade_s_profit() -> None:
    saved = recorded(moving_rate(Money(Decimal("7.5"), USD)))
    assert (saved.total_fees, saved.expectancy) == (15, 985)
    assert saved.net_profit == 985


def test_a_fee_that_equals_the_profit_is_a_fee() -> None:
    made = backtest([100, 101, 101], {0: 10, 1: -10}, fee_model=FeeIn(Money(10, USD)))
    saved = recorded(made)
    assert (saved.total_fees, saved.net_profit, saved.expectancy) == (20, -10, -10)


def test_opening_fees_are_paid_on_the_day_of_the_fill() -> None:
    instrument = pair("BTCUSDT", BTC, USDT)
    made = engine(
        instrument,
        account_type=AccountType.MARGIN,
        base_currency=None,
        balances=[Money(1, BTC), Money(10_000, USDT)],
        fee_model=FixedFeeModel(Money(100, USDT)),
    )
    made.add_data(bars(instrument, [1_000] * 3))
    made.add_strategy(scripted(instrument, {1: 1}))
    saved = recorded(made)
    assert saved.period_returns == [0.0, pytest.approx(-100 / 11_000, rel=1e-6), 0.0]


# Days and years


def minutes(first: datetime, count: int) -> BacktestEngine:
    made = engine(share())
    made.add_data(bars(share(), [100 + n % 7 for n in range(count)], step=MINUTE, start=first))
    made.add_strategy(scripted(share(), {0: 10}, step=MINUTE))
    return made


def test_three_whole_days_of_minutes_are_three_returns() -> None:
    saved = recorded(minutes(START + MINUTE, 3 * 24 * 60))
    assert (saved.returns_count, saved.period_start) == (3, date(2024, 1, 1))
    assert saved.periods_per_year == 365.25


def test_an_event_after_the_last_data_adds_no_day() -> None:
    made = backtest([100, 110, 120], {0: 10}, strategy={"close_on_stop": True})
    with record(made) as run:
        made.run(end=START + 5 * DAY)
    (saved,) = run.records
    assert saved.returns_count == 3
    assert len(saved.period_returns or []) == 3


def test_the_first_month_begins_with_its_bar() -> None:
    instrument = share()
    kind = BarType.from_str(f"{instrument.id}-1-MONTH-LAST-EXTERNAL")
    made = engine(instrument)
    data = []
    for month in range(1, 13):
        closes = datetime(2023 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        price = Price(100 * 1.01**month, 2)
        at = int(closes.timestamp()) * 1_000_000_000
        data.append(Bar(kind, price, price, price, price, Quantity.from_int(1), at, at))
    made.add_data(data)
    made.add_strategy(scripted(instrument, {}))
    saved = recorded(made)
    assert saved.periods_per_year == pytest.approx(12 / (365 / 365.25))
    assert saved.buy_and_hold_return == pytest.approx(1.01**11 - 1, abs=1e-4)
    assert (saved.period_start, saved.returns_count) == (date(2023, 1, 31), 12)


# Prices


def quote(instrument: Instrument, at: datetime, bid: str, ask: str) -> QuoteTick:
    time = int(at.timestamp()) * 1_000_000_000
    size = instrument.make_qty(1_000)
    return QuoteTick(
        instrument.id, Price.from_str(bid), Price.from_str(ask), size, size, time, time
    )


def test_a_quote_of_long_ago_does_not_outrank_newer_bars() -> None:
    made = engine(share())
    made.add_data([quote(share(), START + MINUTE, "49.00", "51.00")])
    made.add_data(bars(share(), [100, 110, 120], start=START + SIX_HOURS))
    made.add_strategy(scripted(share(), {0: 10}))
    saved = recorded(made)
    assert saved.net_profit == saved.unrealised_profit
    assert (saved.net_profit or 0) >= 200


@pytest.mark.parametrize(("minutes", "profit"), [(60, 200), (59, 200), (0, 150), (-1, 150)])
def test_of_a_trade_and_a_bar_the_newer_counts(minutes: int, profit: int) -> None:
    """A trade at 115, by so many minutes before the last bar, which closes at 120."""
    made = engine(share())
    made.add_data(bars(share(), [100, 110, 120], start=START, step=SIX_HOURS))
    time = int((START + 2 * SIX_HOURS - minutes * MINUTE).timestamp()) * 10**9
    size, side = share().make_qty(1), AggressorSide.BUYER
    made.add_data(
        [TradeTick(share().id, Price.from_str("115.00"), size, side, TradeId("1"), time, time)]
    )
    made.add_strategy(scripted(share(), {0: 10}, step=SIX_HOURS))
    assert recorded(made).net_profit == profit


def test_the_script_s_decimal_context_has_no_say() -> None:
    expected = recorded(moving_rate())
    with localcontext(Context(prec=9)):  # with less, the engine itself would be wrong
        changed = recorded(moving_rate())
    assert (changed.net_profit, changed.expectancy) == (expected.net_profit, expected.expectancy)
    assert changed.period_returns == expected.period_returns


def test_the_script_s_decimal_context_does_not_change_what_an_order_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def turned() -> BacktestEngine:
        fee = FeeIn(Money(Decimal("7.77"), USD))
        return backtest([100, 110, 105, 120], {0: 12_345, 1: -20_001, 2: 9_999}, fee_model=fee)

    expected = unwatched(turned(), monkeypatch)
    saved = unwatched(turned(), monkeypatch, Context(prec=4))
    assert (expected.total_trades, expected.total_fees) == (2, Decimal("23.31"))
    assert saved.warnings == expected.warnings
    for name in ("total_trades", "total_fees", "net_profit", "expectancy", "unrealised_profit"):
        assert getattr(saved, name) == getattr(expected, name), name


# Without a limit


def test_without_a_losing_trade_the_profit_factor_has_no_limit() -> None:
    saved = recorded(backtest([100, 110, 120, 120], {0: 10, 2: -10}))
    assert saved.profit_factor == inf
    assert saved.sortino_ratio == inf


@pytest.mark.parametrize("oms_type", [OmsType.NETTING, OmsType.HEDGING])
def test_what_the_account_holds_is_what_the_fills_explain(oms_type: OmsType) -> None:
    made = backtest(
        [100, 110, 105, 120, 90, 95],
        {0: 10, 1: -15, 2: 5, 3: 7, 4: -2},
        oms_type=oms_type,
        fee_model=FeeIn(Money(Decimal("1.25"), USD)),
    )
    saved = recorded(made)
    assert other_warnings(saved) == []
    assert saved.net_profit is not None
    assert saved.total_fees == Decimal("6.25")


def test_each_part_of_an_order_that_turns_a_position_around_bears_its_part_of_the_fee() -> None:
    eurjpy, usdjpy = pair("EUR/JPY", EUR, JPY), pair("USD/JPY", USD, JPY)
    made = engine(
        eurjpy, usdjpy, balances=[Money(100_000, USD)], fee_model=FeeIn(Money(Decimal(6), USD))
    )
    made.add_data(rates(usdjpy, 100, 100, 100, 100))
    made.add_data(bars(eurjpy, [150, 160, 150, 150], start=START + SIX_HOURS))
    made.add_strategy(scripted(eurjpy, {0: 1_000, 1: -3_000, 2: 2_000}))
    saved = recorded(made)
    # 100 dollars, less 6 for the opening and a third of 6; 200, less two thirds of 6 and 6.
    assert (saved.avg_win, saved.winning_trades) == (Decimal(92 + 190) / 2, 2)
    assert saved.total_fees == 18
