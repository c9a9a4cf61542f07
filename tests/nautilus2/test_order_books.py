"""Runs on order books: the engine of 2.0 knows no price of these, so the record works it out."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    BookAction,
    BookOrder,
    BookType,
    Currency,
    Money,
    OmsType,
    OrderBookDelta,
    OrderBookDeltas,
    OrderSide,
    Price,
    Quantity,
)
from nautilus_trader.trading import Strategy, StrategyConfig

from backtest_store import record
from backtest_store.models import Record
from tests.nautilus2.backtests import QUIET, START, USD, pair, share

HALF_DAYS = [(100, 102), (110, 112), (104, 106), (107, 109)]
LAST = 1 << 7


def delta(instrument: Any, side: OrderSide, price: float, name: int, time: int) -> OrderBookDelta:
    digits = instrument.price_precision, instrument.size_precision
    order = BookOrder(side, Price(price, digits[0]), Quantity(50, digits[1]), name)
    flags = LAST if side == OrderSide.SELL else 0
    return OrderBookDelta(instrument.id, BookAction.ADD, order, flags, 0, time, time)


def books(instrument: Any, prices: Iterable[tuple[float, float]]) -> list[OrderBookDeltas]:
    """An order book anew at six and eighteen o'clock, with worse orders behind the best."""
    made = []
    for number, (bid, ask) in enumerate(prices):
        moment = START + timedelta(hours=6) + number * timedelta(hours=12)
        time = int(moment.timestamp()) * 10**9
        changes = [OrderBookDelta.clear(instrument.id, 0, time, time)]
        for name, worse in enumerate((0, 0.5, 1)):
            changes.append(delta(instrument, OrderSide.BUY, bid - worse, 10 + name, time))
            changes.append(delta(instrument, OrderSide.SELL, ask + worse, 20 + name, time))
        made.append(OrderBookDeltas(instrument.id, changes))
    return made


class BuysAtOnce(Strategy):  # type: ignore[misc]
    """Buys ten at the first ask."""

    is_done = False

    def on_start(self) -> None:
        """Ask for the book."""
        (self.name,) = self.cache.instrument_ids()
        self.subscribe_book_deltas(self.name, BookType.L2_MBP, managed=True)

    def on_book_deltas(self, _: object) -> None:
        """Send the order, once."""
        ask = self.cache.order_book(self.name).best_ask_price()
        if not self.is_done and ask is not None:
            self.is_done = True
            ten = self.cache.instrument(self.name).make_qty(10)
            self.submit_order(self.order_factory.limit(self.name, OrderSide.BUY, ten, ask))


def recorded(instrument: Any, data: list[Any], **venue: Any) -> Record:
    made = BacktestEngine(BacktestEngineConfig(logging=QUIET))
    made.add_venue(
        **{
            "venue": instrument.id.venue,
            "oms_type": OmsType.NETTING,
            "account_type": AccountType.MARGIN,
            "base_currency": USD,
            "starting_balances": [Money(100_000, USD)],
            "book_type": BookType.L2_MBP,
            "fee_model": MakerTakerFeeModel(0, 0),
        }
        | venue
    )
    made.add_instrument(instrument)
    made.add_data(data)
    made.add_strategy(BuysAtOnce(StrategyConfig()))
    with record(made) as recording:
        made.run()
    (saved,) = recording.records
    return saved


def one_by_one(data: list[OrderBookDeltas]) -> list[OrderBookDelta]:
    return [change for changes in data for change in changes.deltas]


@pytest.mark.parametrize("are_joined", [True, False])
@pytest.mark.parametrize("book_type", [BookType.L2_MBP, BookType.L3_MBO])
def test_a_position_is_worth_what_the_book_bids(
    store: str, are_joined: bool, book_type: BookType
) -> None:
    data = books(share(), HALF_DAYS)
    saved = recorded(share(), data if are_joined else one_by_one(data), book_type=book_type)
    assert saved.equity_basis == "mark_to_market"
    # Ten bought at 102: 80 more at a bid of 110, then 50 at one of 107.
    assert saved.period_returns == pytest.approx([80 / 100_000, 100_050 / 100_080 - 1], abs=1e-9)
    assert (saved.unrealised_profit, saved.net_profit) == (Decimal(50), Decimal(50))
    assert saved.buy_and_hold_return == pytest.approx(108 / 101 - 1)


def test_each_order_of_a_book_by_orders_counts(store: str) -> None:
    data = one_by_one(books(share(), [*HALF_DAYS, (107, 109)]))
    twice, time = delta(share(), OrderSide.BUY, 107, 99, data[-1].ts_init), data[-1].ts_init
    gone = OrderBookDelta(share().id, BookAction.DELETE, twice.order, LAST, 0, time, time)
    saved = recorded(share(), [*data, twice, gone], book_type=BookType.L3_MBO)
    assert saved.net_profit == Decimal(50)  # the other order at 107 is there still


def test_the_price_of_a_book_converts_what_an_account_holds(store: str) -> None:
    coin, tether = Currency.from_str("BTC"), Currency.from_str("USDT")
    instrument = pair("BTCUSDT", coin, tether)
    saved = recorded(
        instrument,
        list(books(instrument, HALF_DAYS)),
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(100, coin), Money(100_000, tether)],
    )
    # A coin is worth 101 at first, then 111 and 108; ten more were bought at 102.
    assert (saved.currency, saved.initial_capital) == ("USDT", Decimal(110_100))
    assert saved.net_profit == Decimal(108 * 110 + 100_000 - 1_020 - 110_100)
