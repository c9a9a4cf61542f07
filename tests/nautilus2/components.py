"""Components that hear of all that an engine of 2.0 tells, and a market that tells it all."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from nautilus_trader.common import DataActor
from nautilus_trader.model import (
    AggressorSide,
    BarType,
    BookAction,
    BookOrder,
    BookType,
    ClientOrderId,
    CustomData,
    DataType,
    ExecAlgorithmId,
    FundingRateUpdate,
    IndexPriceUpdate,
    InstrumentClose,
    InstrumentCloseType,
    InstrumentStatus,
    MarketStatusAction,
    MarkPriceUpdate,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    RecordFlag,
    TimeInForce,
    TradeId,
    TradeTick,
    TriggerType,
)
from nautilus_trader.trading import ExecutionAlgorithm, ExecutionAlgorithmConfig, Strategy

from tests.nautilus2.backtests import START, share

SHARE = share()
BARS = BarType.from_str(f"{SHARE.id}-1-MINUTE-LAST-INTERNAL")
NEWS = DataType("News")
ORDER = ClientOrderId("MINE")
ALGORITHM = ExecAlgorithmId("Executes")
STEP = 10**10  # ns between two rounds of data
BOOK = {"book_type": BookType.L2_MBP}


def market(count: int = 60) -> Iterator[Any]:
    """Every kind of data, a round of it each ten seconds."""
    size, name = Quantity.from_int(1_000), SHARE.id
    for n in range(count):
        time, price = int(START.timestamp()) * 10**9 + n * STEP, 100 + n % 5
        bid, ask = Price(price - 0.01, 2), Price(price + 0.01, 2)
        order = BookOrder(OrderSide.BUY, bid, size, 1)
        yield OrderBookDelta(name, BookAction.ADD, order, RecordFlag.F_LAST.value, n, time, time)
        yield QuoteTick(name, bid, ask, size, size, time, time)
        side = AggressorSide.BUY
        yield TradeTick(name, Price(price, 2), Quantity(5, 0), side, TradeId(str(n)), time, time)
        yield MarkPriceUpdate(name, bid, time, time)
        yield IndexPriceUpdate(name, bid, time, time)
        yield FundingRateUpdate(name, 0, time, time)
        yield InstrumentStatus(name, MarketStatusAction.TRADING, time, time)
        yield InstrumentClose(name, bid, InstrumentCloseType.END_OF_SESSION, time, time)


class Bulletin:
    """Data of one's own."""

    ts_event = ts_init = 0


class Watches(DataActor):  # type: ignore[misc]
    """Asks for all that the market has, and for what components tell each other."""

    quotes = 0

    def on_start(self) -> None:
        """Subscribe."""
        watch(self)

    def tick(self, _: object) -> None:
        """Take what a timer brings."""

    def hear(self, _: object) -> None:
        """Take what is said about a topic."""

    def on_quote(self, _: QuoteTick) -> None:
        """Tell others."""
        tell(self)


class Trades(Strategy):  # type: ignore[misc]
    """Does the same, and has its orders go all the ways that orders can go."""

    quotes = 0

    def on_start(self) -> None:
        """Subscribe."""
        watch(self)

    def tick(self, _: object) -> None:
        """Take what a timer brings."""

    def hear(self, _: object) -> None:
        """Take what is said about a topic."""

    def on_quote(self, _: QuoteTick) -> None:
        """Tell others, and trade."""
        tell(self)
        trade(self)


class Executes(ExecutionAlgorithm):  # type: ignore[misc]
    """Passes on what it is given."""

    def on_start(self) -> None:
        """Subscribe."""
        self.subscribe_signal("news")
        self.clock.set_timer("each", timedelta(seconds=30))

    def on_order(self, order: Any) -> None:
        """Send it."""
        self.submit_order(order)


def watch(self: Any) -> None:
    """Subscribe to all that there is."""
    for kind in ("quotes", "trades", "mark_prices", "index_prices", "funding_rates"):
        getattr(self, f"subscribe_{kind}")(SHARE.id)
    self.subscribe_instrument_status(SHARE.id)
    self.subscribe_instrument_close(SHARE.id)
    self.subscribe_bars(BARS)
    self.subscribe_book_deltas(SHARE.id, **BOOK)
    self.subscribe_book_at_interval(SHARE.id, **BOOK, interval_ms=20_000)
    self.subscribe_signal("news")
    self.subscribe_data(NEWS)
    self.subscribe_topic("said", self.hear)
    self.clock.set_timer("each", timedelta(seconds=30))
    self.clock.set_timer("own", timedelta(seconds=30), callback=self.tick)


def tell(self: Any) -> None:
    """Publish something once."""
    self.quotes += 1
    if self.quotes == 3:
        self.publish_signal("news", "good")
        self.publish_message("said", "something")
        self.publish_data(NEWS, CustomData(NEWS, Bulletin()))


def trade(self: Any) -> None:
    """Give an order of each kind at its time."""
    make, name, n = self.order_factory, SHARE.id, self.quotes
    buy, few, far = OrderSide.BUY, Quantity.from_int(10), Price(50, 2)
    market, limit, stop = (
        partial(kind, name, buy, few) for kind in (make.market, make.limit, make.stop_market)
    )
    high = Price(103, 2)
    orders: dict[int, Callable[[], Any]] = {
        5: market,
        6: market,
        7: lambda: make.market(name, OrderSide.SELL, Quantity.from_int(20)),
        8: lambda: make.limit(name, buy, few, Price(-1, 2)),
        9: lambda: limit(far, client_order_id=ORDER),
        14: lambda: limit(Price(120, 2), post_only=True),
        15: lambda: market(exec_algorithm_id=ALGORITHM),
        16: lambda: make.stop_limit(name, buy, few, Price(104, 2), high),
        17: lambda: stop(high, emulation_trigger=TriggerType.BID_ASK),
        18: lambda: limit(
            far, time_in_force=TimeInForce.GTD, expire_time=self.clock.timestamp_ns() + 2 * STEP
        ),
    }
    if n in orders:
        self.submit_order(orders[n]())
    if n in {10, 11}:
        self.modify_order(ORDER, price=Price(51 if n == 10 else -1, 2))
    if n in {12, 13}:
        self.cancel_order(ORDER)


def made_of(kind: type) -> Any:
    """Make a component; an algorithm has a name by which orders ask for it."""
    if issubclass(kind, Executes):
        return kind(ExecutionAlgorithmConfig(exec_algorithm_id=ALGORITHM))
    return kind()
