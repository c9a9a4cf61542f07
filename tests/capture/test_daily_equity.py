"""Daily equity of real engines, against values worked out by hand and an independent account."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import CacheConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import BTC, ETH, EUR, GBP, JPY, USD, USDT
from nautilus_trader.model.data import (
    BookOrder,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
)
from nautilus_trader.model.identifiers import TradeId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from backtest_store.capture.accounting.equity_sampler import Samples, sampler_of
from tests.capture.backtests import (
    MINUTE,
    START,
    backtest,
    bar_type,
    bars,
    engine,
    pair,
    scripted,
    share,
)
from tests.capture.sampled_run import equities, money, watch

SIX_HOURS = timedelta(hours=6)


def test_margin_account_is_its_balance_plus_unrealised_profit() -> None:
    # 10 bought at 100, then 20 sold at 120, so short 10; covered at 110; nothing after.
    samples = watch(backtest([100, 110, 120, 115, 110, 130], {0: 10, 2: -20, 4: 10}))
    assert equities(samples) == money(10_000, 10_100, 10_200, 10_250, 10_300, 10_300)
    assert samples.starting_capital == Decimal(10_000)


def test_every_day_with_market_data_has_a_value_and_no_other_has() -> None:
    # At 0, 6, 12, 18 and 24 o'clock: what closes at midnight is the last of the day before.
    samples = watch(backtest([100, 110, 120, 130, 140], {0: 10}, step=SIX_HOURS))
    assert [day for day, _ in samples.days] == [date(2023, 12, 31), date(2024, 1, 1)]
    assert equities(samples) == money(10_000, 10_400)
    weekend = engine(share())
    weekend.add_data(
        bars(share(), [100, 101]) + bars(share(), [102], start=START + timedelta(days=6))
    )
    days = [day for day, _ in watch(weekend).days]
    assert days == [date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 6)]


def test_what_was_bought_and_sold_within_a_day_is_in_its_equity() -> None:
    # Flat at each midnight: 10 from 110 to 130 on the first whole day, 10 from 100 to 90 on the next.
    closes = [100, 110, 120, 130, 130, 100, 95, 90, 90, 90, 90, 90, 90]
    made = backtest(closes, {1: 10, 3: -10, 5: 10, 7: -10}, step=SIX_HOURS)
    assert equities(watch(made)) == money(10_000, 10_200, 10_100, 10_100)


def test_share_bought_for_cash_keeps_its_value() -> None:
    made = backtest([100, 110, 120, 90], {0: 10, 2: -4}, account_type=AccountType.CASH)
    samples = watch(made)
    # Balances 9000, 9000, 9480, 9480 and shares worth 1000, 1100, 720, 540.
    assert equities(samples) == money(10_000, 10_100, 10_200, 10_020)
    assert [worth.balance for _, worth in samples.days] == money(9_000, 9_000, 9_480, 9_480)


def test_spot_crypto_is_in_the_balances_already() -> None:
    made = backtest(
        [20_000, 21_000, 22_000, 21_000],
        {0: "0.1", 2: "-0.05"},
        instrument=pair("BTCUSDT", BTC, USDT, fee="0.001"),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(10_000, USDT), Money(0.5, BTC)],
    )
    samples = watch(made)
    # USDT 10000 - 2000 - 2 = 7998, then + 1100 - 1.1 = 9096.9; BTC 0.6, then 0.55.
    expected = money(7_998 + 12_000, 7_998 + 12_600, "9096.9", "9096.9")
    expected[2] += Decimal("0.55") * 22_000
    expected[3] += Decimal("0.55") * 21_000
    assert equities(samples) == expected
    assert samples.starting_capital == Decimal(20_000)


def test_starting_capital_of_one_currency_buys_another() -> None:
    made = backtest(
        [2_000, 2_500],
        {0: "1"},
        instrument=pair("ETHUSDT", ETH, USDT),
        account_type=AccountType.CASH,
        base_currency=None,
        balances=[Money(3_000, USDT)],
    )
    assert equities(watch(made)) == money(3_000, 3_500)


def test_inverse_perpetual_is_settled_in_its_base() -> None:
    instrument = TestInstrumentProvider.xbtusd_bitmex()
    made = backtest(
        [10_000, 12_500],
        {0: 10_000},
        instrument=instrument,
        base_currency=BTC,
        balances=[Money(10, BTC)],
        fee_model=None,
    )
    samples = watch(made)
    fee = instrument.taker_fee  # on 1 BTC of notional value
    # 10000 dollars at 10000 and 12500: 10000 / 10000 - 10000 / 12500 = 0.2 BTC.
    assert equities(samples) == [Decimal(10) - fee, Decimal("10.2") - fee]


def test_profit_in_another_currency_is_converted_at_that_days_rate() -> None:
    eurjpy, usdjpy = pair("EUR/JPY", EUR, JPY), pair("USD/JPY", USD, JPY)
    made = engine(eurjpy, usdjpy, balances=[Money(10_000, USD)])
    made.add_data(bars(usdjpy, [100, 125, 100]))
    made.add_data(bars(eurjpy, [150, 160, 170], start=START - SIX_HOURS))
    made.add_strategy(scripted(eurjpy, {0: 1_000}))
    # 1000 EUR: 0, 10000 JPY at 125, 20000 JPY at 100.
    assert equities(watch(made)) == money(10_000, 10_080, 10_200)


def test_conversion_goes_through_a_third_currency() -> None:
    eurgbp, eurusd = pair("EUR/GBP", EUR, GBP), pair("EUR/USD", EUR, USD)
    made = engine(eurgbp, eurusd, balances=[Money(10_000, USD)])
    made.add_data(bars(eurusd, [1.25, 1.25]))
    made.add_data(bars(eurgbp, [0.5, 0.75], start=START - SIX_HOURS))
    made.add_strategy(scripted(eurgbp, {0: 1_000}))
    # 250 GBP, at EUR/USD 1.25 and EUR/GBP 0.75.
    (_, last) = equities(watch(made))
    assert last is not None
    assert last.quantize(Decimal("0.000001")) == Decimal("10416.666667")


def test_without_an_exchange_rate_equity_is_not_known_and_says_why() -> None:
    eurjpy = pair("EUR/JPY", EUR, JPY)
    samples = watch(backtest([150, 160], {0: 1_000}, instrument=eurjpy))
    assert [worth.equity for _, worth in samples.days] == [Decimal(10_000), None]
    assert samples.days[1][1].balance == Decimal(10_000)
    assert samples.days[1][1].problem == "no exchange rate from JPY to USD"


def test_several_venues_are_summed_in_the_first_ones_currency() -> None:
    here, there = share("ACME", "XNAS"), share("BETA", "XNYS")
    made = engine(here, there)
    for instrument in (here, there):
        made.add_data(bars(instrument, [100, 110]))
    made.add_strategy(scripted(here, {0: 10}, order_id_tag="1"))
    made.add_strategy(scripted(there, {0: -5}, order_id_tag="2"))
    samples = watch(made)
    assert samples.starting_capital == Decimal(20_000)
    assert equities(samples) == money(20_000, 20_050)


@pytest.mark.parametrize("oms_type", [OmsType.NETTING, OmsType.HEDGING])
def test_positions_of_one_instrument_add_up(oms_type: OmsType) -> None:
    made = backtest([100, 110, 120, 130], {0: 10, 1: 10, 2: -5}, oms_type=oms_type)
    # 10 at 100, 10 at 110, 5 sold (or short) at 120: hedged or netted, the sum is the same.
    assert equities(watch(made)) == money(10_000, 10_100, 10_300, 10_450)


def test_order_that_fills_at_the_first_price_of_a_day_does_not_count_the_day_before() -> None:
    made = engine(share(), latency_model=_latency(hours=1))
    made.add_data(bars(share(), [100, 100, 100, 100, 120, 120, 120, 120, 90], step=SIX_HOURS))
    made.add_strategy(scripted(share(), {3: 10, 7: -10}, step=SIX_HOURS))
    # Ordered at 18:00, filled at midnight: bought at 120, sold at 90.
    assert equities(watch(made)) == money(10_000, 10_000, 9_700)


def test_resting_order_that_the_first_price_of_a_day_fills_does_not_count_the_day_before() -> None:
    made = engine(share(), fee_model=_fixed_fee("3"))
    made.add_data(bars(share(), [100, 100, 100, 100, 80, 80, 80, 80, 90], step=SIX_HOURS))
    made.add_strategy(_Resting(share()))
    # 10 bought for a fee of 3 by the first bar of the second day, and worth 80 by its end.
    first, second, third = equities(watch(made))
    (order,) = made.cache.orders()
    paid = 10 * Decimal(str(order.avg_px)) + 3
    assert [first, second, third] == [10_000, 10_000 - paid + 800, 10_000 - paid + 900]


def test_strategy_that_trades_at_once_on_the_first_price_of_a_day_does_not_change_yesterday() -> (
    None
):
    made = engine(share(), use_message_queue=False)
    made.add_data(bars(share(), [100, 120, 150]))
    made.add_strategy(scripted(share(), {1: 10}))
    made.run()
    made.reset()  # the strategy's subscription is older than the sampler's now
    assert equities(watch(made)) == money(10_000, 10_000, 10_300)


def test_position_closed_by_on_stop_counts_in_the_last_value() -> None:
    made = engine(share(), fee_model=_fixed_fee("3"))
    made.add_data(bars(share(), [100, 110]))
    made.add_strategy(scripted(share(), {0: 10}, close_on_stop=True))
    samples = watch(made)
    assert equities(samples) == money(9_997, 10_094)
    assert samples.ledger is not None
    assert len(samples.ledger.trades) == 1


def test_long_is_worth_the_bid_and_short_the_ask() -> None:
    instrument = share()
    made = engine(instrument)
    made.add_data(
        [_quote(instrument, at, 99, 101) for at in (1, 2)]
        + [_quote(instrument, 24 * 60 + 1, 109, 112), _quote(instrument, 24 * 60 + 2, 119, 121)]
    )
    made.add_data(bars(instrument, [100, 110], step=MINUTE, start=START + 2 * MINUTE))
    made.add_strategy(scripted(instrument, {0: 10}, step=MINUTE))
    # Bought at the bar's 100; worth the bid, 99 on the first day and 119 on the second.
    assert equities(watch(made)) == money(9_990, 10_190)


def test_trades_are_prices_too() -> None:
    instrument = share()
    made = engine(instrument)
    made.add_data([_trade(instrument, 24 * 60, 110)])
    made.add_data(bars(instrument, [100], step=MINUTE))
    made.add_strategy(scripted(instrument, {0: 10}, step=MINUTE))
    assert equities(watch(made)) == money(10_000, 10_100)


def test_frozen_account_gains_only_unrealised_profit() -> None:
    made = backtest([100, 110], {0: 10}, account_type=AccountType.CASH, frozen_account=True)
    assert equities(watch(made)) == money(10_000, 10_100)


def test_option_bought_for_cash_is_worth_what_the_account_paid_for_it() -> None:
    option = TestInstrumentProvider.aapl_option()  # of 100 shares, until December 2021
    made = engine(option, account_type=AccountType.CASH)
    made.add_data(bars(option, [2, 3], start=datetime(2021, 10, 1, tzinfo=UTC)))
    made.add_strategy(scripted(option, {0: 1}))
    samples = watch(made)
    paid = Decimal(10_000) - (samples.days[0][1].balance or 0)
    assert paid in (2, 200)  # releases differ in whether a cash account counts the multiplier
    assert equities(samples) == [Decimal(10_000), Decimal(10_000) + paid / 2]


def test_chunks_of_a_stream_are_one_course() -> None:
    made = engine(share())
    made.add_strategy(scripted(share(), {0: 10}))
    samples = _streamed(made, share(), [[100, 110], [120, 130]])
    assert equities(samples) == money(10_000, 10_100, 10_200, 10_300)


def test_engine_that_ran_before_it_was_watched_is_heard() -> None:
    made = backtest([100, 110, 120], {0: 10, 1: -10})
    made.run()
    made.reset()
    samples = watch(made)
    assert equities(samples) == money(10_000, 10_100, 10_100)
    assert samples.ledger is not None
    assert len(samples.ledger.trades) == 1
    made.reset()
    assert equities(watch(made)) == money(10_000, 10_100, 10_100)


@settings(max_examples=40, deadline=None)
@given(
    closes=st.lists(st.integers(50, 150), min_size=2, max_size=14),
    orders=st.dictionaries(st.integers(0, 13), st.integers(-9, 9), max_size=8),
    step=st.sampled_from([SIX_HOURS, timedelta(days=1)]),
    cash=st.booleans(),
)
def test_equity_is_cash_plus_shares_at_the_days_close(
    *, closes: list[int], orders: dict[int, int], step: timedelta, cash: bool
) -> None:
    if cash:  # nobody lends shares there
        orders = {bar: abs(quantity) for bar, quantity in orders.items()}
    made = backtest(
        closes,
        orders,
        step=step,
        account_type=AccountType.CASH if cash else AccountType.MARGIN,
        fee_model=_fixed_fee("1.50"),
    )
    expected = _by_bookkeeping(closes, orders, step)
    # The engine rounds each profit that it realises to the cent.
    rounding = Decimal("0.01") * (len(orders) + 1)
    for seen, known in zip(equities(watch(made)), expected, strict=True):
        assert seen is not None
        assert abs(seen - known) <= rounding
    made.dispose()


def _by_bookkeeping(closes: list[int], orders: dict[int, int], step: timedelta) -> list[Decimal]:
    """Keep the books as a clerk would, who knows nothing of positions."""
    cash, shares = Decimal(10_000), 0
    by_day: dict[date, Decimal] = {}
    for bar, close in enumerate(closes):
        if quantity := orders.get(bar):
            cash -= quantity * close + Decimal("1.50")
            shares += quantity
        closed = START + bar * step - timedelta(microseconds=1)  # midnight ends a day
        by_day[closed.date()] = cash + shares * close
    return list(by_day.values())


def _latency(*, hours: int) -> object:
    from nautilus_trader.backtest.models import LatencyModel

    return LatencyModel(base_latency_nanos=hours * 3_600_000_000_000)


def _fixed_fee(amount: str) -> object:
    from nautilus_trader.backtest.models import FixedFeeModel

    return FixedFeeModel(Money(Decimal(amount), USD), charge_commission_once=False)


def _quote(instrument: Instrument, minutes: int, bid: int, ask: int) -> QuoteTick:
    moment = int((START + minutes * MINUTE).timestamp()) * 1_000_000_000
    size = Quantity.from_int(1_000)
    return QuoteTick(instrument.id, Price(bid, 2), Price(ask, 2), size, size, moment, moment)


def _trade(instrument: Instrument, minutes: int, price: int) -> TradeTick:
    moment = int((START + minutes * MINUTE).timestamp()) * 1_000_000_000
    size = Quantity.from_int(1_000)
    name = TradeId(str(minutes))
    side = AggressorSide.BUYER
    return TradeTick(instrument.id, Price(price, 2), size, side, name, moment, moment)


def _streamed(made: BacktestEngine, instrument: Instrument, chunks: list[list[float]]) -> Samples:
    """Run an engine chunk by chunk, as the manual says, under the eyes of its sampler."""
    sampler, start = sampler_of(made), START

    def begin(event: Any) -> None:
        if event.state.name == "RUNNING":
            sampler.begin(made)

    made.kernel.msgbus.subscribe("events.system.DataEngine", begin)
    for chunk in chunks:
        made.add_data(bars(instrument, chunk, start=start))
        made.run(streaming=True)
        made.clear_data()
        start += len(chunk) * timedelta(days=1)
    made.end()
    return sampler.end()


def test_price_of_zero_is_a_price() -> None:
    made = engine(share())
    made.add_data([*bars(share(), [100]), _quote(share(), 24 * 60, 0, 1)])
    made.add_strategy(scripted(share(), {0: 10}))
    assert equities(watch(made)) == money(10_000, 9_000)


def test_cache_of_one_element_has_no_price_of_yesterday_and_that_is_said() -> None:
    made = engine(share(), cache=CacheConfig(bar_capacity=1, tick_capacity=1))
    made.add_data(bars(share(), [100, 110, 120]))
    made.add_strategy(scripted(share(), {0: 10}))
    samples = watch(made)
    assert equities(samples) == money(10_000, 10_000, 10_200)
    assert samples.days[1][1].unquoted == {"ACME.XNAS"}


def test_instrument_without_prices_is_worth_its_last_fill_and_says_so() -> None:
    instrument = share()
    made = engine(instrument, book_type=BookType.L2_MBP)
    made.add_data([_book(instrument, minutes, price) for minutes, price in ((0, 100), (1440, 110))])
    made.add_strategy(_Blind(instrument))
    samples = watch(made)
    assert equities(samples) == money(10_000, 10_000)
    assert samples.days[-1][1].unquoted == {"ACME.XNAS"}


def test_engines_with_one_id_are_kept_apart() -> None:
    name = UUID4()
    both = [engine(share(), instance_id=name) for _ in range(2)]
    for made in both:
        made.add_data(bars(share(), [100, 110]))
        made.add_strategy(scripted(share(), {0: 10}))
    assert [equities(watch(made)) for made in both] == [money(10_000, 10_100)] * 2


class _Resting(Strategy):  # type: ignore[misc]
    """Leaves one order to buy lower."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self.instrument = instrument

    def on_start(self) -> None:
        self.subscribe_bars(bar_type(self.instrument, SIX_HOURS))

    def on_bar(self, _: object) -> None:
        if not self.cache.orders():
            order = self.order_factory.limit(
                self.instrument.id,
                OrderSide.BUY,
                self.instrument.make_qty(10),
                self.instrument.make_price(90),
            )
            self.submit_order(order)


class _Blind(Strategy):  # type: ignore[misc]
    """Buys without ever asking for a price."""

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self.instrument = instrument

    def on_start(self) -> None:
        self.clock.set_time_alert("buy", self.clock.utc_now() + MINUTE, self.buy)

    def buy(self, _: object) -> None:
        quantity = self.instrument.make_qty(10)
        self.submit_order(self.order_factory.market(self.instrument.id, OrderSide.BUY, quantity))


def _book(instrument: Instrument, minutes: int, price: int) -> OrderBookDeltas:
    moment = int((START + minutes * MINUTE).timestamp()) * 1_000_000_000
    orders = [
        BookOrder(side, Price(price, 2), Quantity.from_int(1_000), number)
        for number, side in enumerate((OrderSide.BUY, OrderSide.SELL))
    ]
    deltas = [
        OrderBookDelta(instrument.id, BookAction.ADD, order, 0, number, moment, moment)
        for number, order in enumerate(orders)
    ]
    return OrderBookDeltas(instrument.id, deltas)
