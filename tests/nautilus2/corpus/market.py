"""Markets that we make ourselves, for scripts that do what 2.0's own examples and guides do."""

import json
from collections.abc import Iterator
from decimal import Decimal
from math import sin
from typing import Any, Self

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model import (
    AccountType,
    AggressorSide,
    BarType,
    BookAction,
    BookOrder,
    Currency,
    InstrumentId,
    Money,
    OmsType,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    QuoteTick,
    TradeId,
    TradeTick,
)
from nautilus_trader.trading import Strategy, StrategyConfig

from tests.nautilus2.backtests import USD, pair

START = 1_706_745_600 * 10**9  # 1 February 2024
SECOND = 10**9
MINUTE = 60 * SECOND
LAST = 1 << 7  # the flag of the last of several changes of an order book
ERRORS = LoggerConfig(stdout_level=LogLevel.ERROR)
FREE = MakerTakerFeeModel(0, 0)
EURO_DOLLAR = pair("EUR/USD", Currency.from_str("EUR"), USD)
DOLLAR_YEN = pair("USD/JPY", USD, Currency.from_str("JPY"))
COIN = pair("BTCUSDT", Currency.from_str("BTC"), Currency.from_str("USDT"), "BINANCE")


def moments(count: int, step: int, middle: float) -> Iterator[tuple[int, float]]:
    """Yield times, and a price that goes up and down in long and short waves."""
    for n in range(count):
        yield START + n * step, middle * (1 + 0.02 * sin(n / 40) + 0.003 * sin(n / 3))


def quotes(
    instrument: Any, count: int = 2_000, step: int = MINUTE, middle: float = 1.1
) -> list[QuoteTick]:
    """Return quotes whose spread is two hundredths of a percent."""
    size, digits = Quantity(1_000_000, instrument.size_precision), instrument.price_precision
    return [
        QuoteTick(
            instrument.id,
            Price(price * 0.9999, digits),
            Price(price * 1.0001, digits),
            size,
            size,
            time,
            time,
        )
        for time, price in moments(count, step, middle)
    ]


def trades(
    instrument: Any, count: int = 4_000, step: int = 10 * SECOND, middle: float = 2_000
) -> list[TradeTick]:
    """Return trades, bought and sold in turn."""
    sides = (AggressorSide.BUY, AggressorSide.SELL)
    return [
        TradeTick(
            instrument.id,
            Price(price, instrument.price_precision),
            Quantity(2, instrument.size_precision),
            sides[n % 2],
            TradeId(str(n)),
            time,
            time,
        )
        for n, (time, price) in enumerate(moments(count, step, middle))
    ]


def book(instrument: Any, count: int = 900, middle: float = 20_000) -> list[OrderBookDelta]:
    """Return changes of an order book, a level a side."""
    made = []
    for n, (time, price) in enumerate(moments(count, 90 * SECOND, middle)):
        for side, factor, flags in ((OrderSide.BUY, 0.999, 0), (OrderSide.SELL, 1.001, LAST)):
            order = BookOrder(
                side,
                Price(price * factor, instrument.price_precision),
                Quantity(2 + n * (7 if flags else 3) % 11, instrument.size_precision),
                2 if flags else 1,
            )
            action = BookAction.UPDATE if n else BookAction.ADD
            made.append(OrderBookDelta(instrument.id, action, order, flags, n, time, time))
    return made


def engine(instruments: list[Any], **venue: Any) -> BacktestEngine:
    """Return an engine with the venues of some instruments."""
    made = BacktestEngine(BacktestEngineConfig(logging=ERRORS))
    settings = {
        "oms_type": OmsType.NETTING,
        "account_type": AccountType.MARGIN,
        "base_currency": USD,
        "starting_balances": [Money(1_000_000, USD)],
        "default_leverage": Decimal(10),
        "fee_model": FREE,
    }
    for name in dict.fromkeys(instrument.id.venue for instrument in instruments):
        made.add_venue(venue=name, **settings | venue)
    for instrument in instruments:
        made.add_instrument(instrument)
    return made


class CrossConfig(StrategyConfig):  # type: ignore[misc]
    """How `Cross` trades; it reads texts too, as a node gives them."""

    def __new__(cls, **given: Any) -> Self:
        """Make the compiled part."""
        made: Self = super().__new__(cls, order_id_tag=given.get("order_id_tag"))
        return made

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.instrument_id = InstrumentId.from_str(str(given["instrument_id"]))
        self.bar_type = BarType.from_str(str(given["bar_type"]))
        self.trade_size = Decimal(str(given["trade_size"]))
        self.algorithm = given.get("algorithm")


class Cross(Strategy):  # type: ignore[misc]
    """Is on the side of a fast average of closes."""

    def __init__(self, config: CrossConfig) -> None:
        super().__init__(config)
        self.fast, self.slow = ExponentialMovingAverage(10), ExponentialMovingAverage(20)

    def on_start(self) -> None:
        """Have the averages kept."""
        for average in (self.fast, self.slow):
            self.register_indicator_for_bars(self.config.bar_type, average)
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, _: Any) -> None:
        """Change sides at a cross."""
        if not self.indicators_initialized():
            return
        name, is_up = self.config.instrument_id, self.fast.value >= self.slow.value
        against = self.portfolio.is_net_short if is_up else self.portfolio.is_net_long
        if against(name):
            self.close_all_positions(name)
        if against(name) or self.portfolio.is_net_flat(name):
            self.order(OrderSide.BUY if is_up else OrderSide.SELL)

    def order(self, side: OrderSide) -> None:
        """Send an order, by an algorithm if there is one."""
        instrument, more = self.cache.instrument(self.config.instrument_id), {}
        if self.config.algorithm is not None:
            params = {"horizon_secs": "10.0", "interval_secs": "2.5"}
            more = {"exec_algorithm_id": self.config.algorithm, "exec_algorithm_params": params}
        size = instrument.make_qty(self.config.trade_size)
        self.submit_order(self.order_factory.market(instrument.id, side, size, **more))

    def on_stop(self) -> None:
        """Have nothing open in the end."""
        self.close_all_positions(self.config.instrument_id)


def told(cache: Any, portfolio: Any, venues: list[Any]) -> None:
    """Print what the engine says that a run came to."""
    closed = [*cache.positions_closed(), *cache.position_snapshots()]
    balances: dict[str, Decimal] = {}
    equity: dict[str, Decimal] = {}
    for venue in venues:
        totals = cache.account_for_venue(venue).balances_total().values()
        for held, amounts in ((balances, totals), (equity, portfolio.equity(venue=venue).values())):
            for money in amounts:
                code = str(money.currency.code)
                held[code] = held.get(code, Decimal(0)) + money.as_decimal()
    amounts = {"balances": balances, "equity": equity}
    print(json.dumps({"closed": len(closed), "orders": len(cache.orders())} | amounts, default=str))
