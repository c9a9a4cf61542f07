"""Markets that we make ourselves, for scripts that do what NautilusTrader's own examples do."""

from collections.abc import Iterator
from decimal import Decimal
from math import sin
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType, BookOrder, OrderBookDelta, QuoteTick, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookAction,
    OmsType,
    OrderSide,
    RecordFlag,
)
from nautilus_trader.model.identifiers import TradeId, Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider

START = 1_706_745_600 * 10**9  # 1 February 2024
SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 1_440 * MINUTE
PAIR = TestInstrumentProvider.default_fx_ccy("AUD/USD", Venue("SIM"))
COIN = TestInstrumentProvider.ethusdt_binance()


def minute_bars(instrument: Instrument = PAIR) -> BarType:
    """Return the type of bars that `bars` makes."""
    return BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")


def moments(count: int, step: int, middle: float = 0.7) -> Iterator[tuple[int, float]]:
    """Yield times, and a price that goes up and down in long and short waves."""
    for n in range(count):
        yield START + n * step, middle * (1 + 0.02 * sin(n / 40) + 0.003 * sin(n / 3))


def bars(count: int = 400, instrument: Instrument = PAIR, middle: float = 0.7) -> list[Bar]:
    """Return bars of a minute."""
    kind, volume = minute_bars(instrument), instrument.make_qty(1_000)
    return [
        Bar(
            kind,
            *(instrument.make_price(price * factor) for factor in (1, 1.0005, 0.9995, 1.0001)),
            volume,
            time,
            time,
        )
        for time, price in moments(count, MINUTE, middle)
    ]


def quotes(
    count: int = 1_200, step: int = 10 * SECOND, instrument: Instrument = PAIR
) -> list[QuoteTick]:
    """Return quotes."""
    size = instrument.make_qty(1_000_000)
    return [
        QuoteTick(
            instrument.id,
            instrument.make_price(price * 0.9999),
            instrument.make_price(price * 1.0001),
            size,
            size,
            time,
            time,
        )
        for time, price in moments(count, step)
    ]


def trades(
    count: int = 1_200, step: int = 10 * SECOND, instrument: Instrument = COIN
) -> list[TradeTick]:
    """Return trades, bought and sold in turn."""
    sides = (AggressorSide.BUYER, AggressorSide.SELLER)
    return [
        TradeTick(
            instrument.id,
            instrument.make_price(price),
            instrument.make_qty(2),
            sides[n % 2],
            TradeId(str(n)),
            time,
            time,
        )
        for n, (time, price) in enumerate(moments(count, step, 2_000))
    ]


def book(count: int = 200, instrument: Instrument = COIN) -> list[OrderBookDelta]:
    """Return changes of an order book, one level a side."""
    return [
        OrderBookDelta(
            instrument.id,
            BookAction.ADD if n == 0 else BookAction.UPDATE,
            BookOrder(side, instrument.make_price(price * f), instrument.make_qty(size), order),
            flags=RecordFlag.F_LAST if side == OrderSide.SELL else 0,
            sequence=n,
            ts_event=time,
            ts_init=time,
        )
        for n, (time, price) in enumerate(moments(count, 5 * SECOND, 2_000))
        for side, f, size, order in (
            (OrderSide.BUY, 0.9, 200 + 50 * (n % 7), 1),
            (OrderSide.SELL, 1.1, 10 + 40 * (n % 5), 2),
        )
    ]


def engine(
    instrument: Instrument = PAIR, *, log_level: str = "OFF", venue: Any = None, **config: Any
) -> BacktestEngine:
    """Return an engine with one venue and a million dollars."""
    logging = LoggingConfig(log_level=log_level, log_colors=False)
    made = BacktestEngine(BacktestEngineConfig(logging=logging, **config))
    settings: dict[str, Any] = {
        "oms_type": OmsType.NETTING,
        "account_type": AccountType.MARGIN,
        "base_currency": USD,
        "starting_balances": [Money(1_000_000, USD)],
        "default_leverage": Decimal(10),
    }
    made.add_venue(venue=instrument.id.venue, **settings | (venue or {}))
    made.add_instrument(instrument)
    return made


def told(made: BacktestEngine) -> None:
    """Print what a user reads after a run, without what chance gives names to."""
    result = made.get_result()
    print(result.total_orders, result.total_positions, result.stats_pnls)
    trader = made.trader
    orders = trader.generate_orders_report()
    shown = ["side", "type", "status", "filled_qty", "avg_px"]  # not in the order of random ids
    print("\n".join(sorted(map(str, orders[shown].to_numpy().tolist()))) if len(orders) else "none")
    positions = trader.generate_positions_report()
    print(positions[["entry", "realized_pnl"]].to_csv(index=False) if len(positions) else "none")
    for account in made.cache.accounts():
        print({str(code): str(total) for code, total in account.balances_total().items()})
    made.dispose()
