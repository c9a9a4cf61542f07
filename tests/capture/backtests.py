"""Small real backtests whose every fill can be worked out by hand."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import field
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import CacheConfig, LoggingConfig, StrategyConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair, Equity, Instrument
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SPECS = {DAY: "1-DAY-LAST", MINUTE: "1-MINUTE-LAST", timedelta(hours=6): "6-HOUR-LAST"}


class ScriptedConfig(StrategyConfig, frozen=True):
    """Market orders by the number of the bar that they answer: signed quantities."""

    instrument_id: InstrumentId
    bar_type: BarType
    orders: dict[int, Decimal] = field(default_factory=dict)
    raise_at: int | None = None
    exception: str = "ValueError"
    close_on_stop: bool = False


EXCEPTIONS: Mapping[str, type[BaseException]] = {
    "ValueError": ValueError,
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
}


class Scripted(Strategy):  # type: ignore[misc]
    """Does what its configuration says, bar by bar."""

    def __init__(self, config: ScriptedConfig) -> None:
        super().__init__(config)
        self.bars = 0

    def on_start(self) -> None:
        """Ask for the bars."""
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, _: Bar) -> None:
        """Raise or trade, if this is the bar for it."""
        if self.bars == self.config.raise_at:
            raise EXCEPTIONS[self.config.exception](f"at bar {self.bars}")
        quantity = self.config.orders.get(self.bars)
        self.bars += 1
        if quantity:
            self.trade(quantity)

    def trade(self, quantity: Decimal) -> None:
        """Buy, or sell if negative."""
        instrument = self.cache.instrument(self.config.instrument_id)
        side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
        amount = instrument.make_qty(abs(quantity))
        self.submit_order(self.order_factory.market(instrument.id, side, amount))

    def on_stop(self) -> None:
        """Close what is open, if so configured."""
        if self.config.close_on_stop:
            self.close_all_positions(self.config.instrument_id)

    def on_reset(self) -> None:
        """Count from the beginning."""
        self.bars = 0


def share(symbol: str = "ACME", venue: str = "XNAS", currency: Currency = USD) -> Equity:
    """A share, in dollars unless said otherwise, without fees."""
    return Equity(
        instrument_id=InstrumentId(Symbol(symbol), Venue(venue)),
        raw_symbol=Symbol(symbol),
        currency=currency,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def pair(
    symbol: str, base: Currency, quote: Currency, venue: str = "SIM", fee: str = "0"
) -> CurrencyPair:
    """A spot pair with the given taker fee."""
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), Venue(venue)),
        raw_symbol=Symbol(symbol),
        base_currency=base,
        quote_currency=quote,
        price_precision=5,
        size_precision=6,
        price_increment=Price(1e-5, 5),
        size_increment=Quantity(1e-6, 6),
        lot_size=None,
        max_quantity=None,
        min_quantity=None,
        max_price=None,
        min_price=None,
        margin_init=Decimal("0.01"),
        margin_maint=Decimal("0.01"),
        maker_fee=Decimal(fee),
        taker_fee=Decimal(fee),
        ts_event=0,
        ts_init=0,
    )


def bar_type(instrument: Instrument, step: timedelta = DAY) -> BarType:
    return BarType.from_str(f"{instrument.id}-{SPECS[step]}-EXTERNAL")


def bars(
    instrument: Instrument,
    closes: Sequence[float],
    *,
    step: timedelta = DAY,
    start: datetime = START,
) -> list[Bar]:
    """Flat bars, so that an order fills at its bar's close and nowhere else."""
    kind = bar_type(instrument, step)
    made = []
    for number, close in enumerate(closes):
        price = instrument.make_price(close)
        moment = int((start + number * step).timestamp()) * 1_000_000_000
        volume = Quantity(1e6, instrument.size_precision)
        made.append(Bar(kind, price, price, price, price, volume, moment, moment))
    return made


def scripted(
    instrument: Instrument, orders: Mapping[int, float | str] | None = None, **config: Any
) -> Scripted:
    step = config.pop("step", DAY)
    return Scripted(
        ScriptedConfig(
            instrument_id=instrument.id,
            bar_type=bar_type(instrument, step),
            orders={bar: Decimal(str(quantity)) for bar, quantity in (orders or {}).items()},
            **config,
        )
    )


def engine(
    *instruments: Instrument,
    account_type: AccountType = AccountType.MARGIN,
    base_currency: Currency | None = USD,
    balances: Sequence[Money] = (Money(10_000, USD),),
    oms_type: OmsType = OmsType.NETTING,
    leverage: int = 10,
    log_level: str = "OFF",
    cache: CacheConfig | None = None,
    instance_id: UUID4 | None = None,
    **venue: Any,
) -> BacktestEngine:
    """An engine with one venue for each venue that the instruments trade on."""
    made = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(log_level=log_level, log_colors=False),
            cache=cache or CacheConfig(drop_instruments_on_reset=False),
            instance_id=instance_id,
        )
    )
    for name in dict.fromkeys(instrument.id.venue for instrument in instruments):
        made.add_venue(
            venue=name,
            oms_type=oms_type,
            account_type=account_type,
            base_currency=base_currency,
            starting_balances=list(balances),
            default_leverage=Decimal(leverage if account_type == AccountType.MARGIN else 1),
            **venue,
        )
    for instrument in instruments:
        made.add_instrument(instrument)
    return made


def backtest(
    closes: Sequence[float],
    orders: Mapping[int, float | str] | None = None,
    *,
    instrument: Instrument | None = None,
    step: timedelta = DAY,
    make: Callable[..., BacktestEngine] = engine,
    strategy: Mapping[str, Any] | None = None,
    **settings: Any,
) -> BacktestEngine:
    """An engine with one instrument, its bars, and one scripted strategy, ready to run."""
    instrument = instrument or share()
    made = make(instrument, **settings)
    made.add_data(bars(instrument, closes, step=step))
    made.add_strategy(scripted(instrument, orders, step=step, **(strategy or {})))
    return made
