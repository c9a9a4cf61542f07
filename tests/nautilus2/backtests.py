"""Small real backtests on NautilusTrader 2.0, and on the engine of 2.0 that 1.231 carries."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common import LoggerConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import (
    AccountType,
    Bar,
    BarType,
    Currency,
    CurrencyPair,
    Equity,
    InstrumentId,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    Venue,
)
from nautilus_trader.trading import Strategy, StrategyConfig

START = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SPECS = {DAY: "1-DAY-LAST", MINUTE: "1-MINUTE-LAST"}
USD, AUD = Currency.from_str("USD"), Currency.from_str("AUD")
QUIET = LoggerConfig(bypass_logging=True)


class ScriptedConfig(StrategyConfig):  # type: ignore[misc]
    """Market orders by the number of the bar that they answer: signed quantities."""

    def __new__(cls, *_: Any, **given: Any) -> Self:
        """Make the compiled part."""
        made: Self = super().__new__(cls, order_id_tag=given.get("order_id_tag"))
        return made

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self.instrument_id: InstrumentId = given["instrument_id"]
        self.bar_type: BarType = given["bar_type"]
        self.orders: Mapping[int, Decimal] = given.get("orders", {})
        self.raise_at: int | None = given.get("raise_at")
        self.shut_at: int | None = given.get("shut_at")
        self.close_on_stop: bool = given.get("close_on_stop", False)


class Scripted(Strategy):  # type: ignore[misc]
    """Does what its configuration says, bar by bar."""

    def __init__(self, config: ScriptedConfig) -> None:
        super().__init__(config)
        self.bars = 0

    def on_start(self) -> None:
        """Ask for the bars."""
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, _: Bar) -> None:
        """Raise, stop or trade, if this is the bar for it."""
        if self.bars == self.config.raise_at:
            raise ValueError(f"at bar {self.bars}")
        if self.bars == self.config.shut_at:
            self.shutdown_system("enough")
        quantity = self.config.orders.get(self.bars)
        self.bars += 1
        if quantity:
            self.trade(quantity)

    def trade(self, quantity: Decimal) -> None:
        """Buy, or sell if negative."""
        instrument = self.cache.instrument(self.config.instrument_id)
        side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
        amount = instrument.make_qty(float(abs(quantity)))
        order = self.order_factory.market(
            instrument_id=instrument.id, order_side=side, quantity=amount
        )
        self.submit_order(order)

    def on_stop(self) -> None:
        """Close what is open, if so configured."""
        if self.config.close_on_stop:
            self.close_all_positions(self.config.instrument_id)

    def on_reset(self) -> None:
        """Count from the beginning."""
        self.bars = 0


def share(symbol: str = "ACME", venue: str = "XNAS") -> Equity:
    """A share in dollars without fees."""
    return Equity(
        instrument_id=InstrumentId(Symbol(symbol), Venue(venue)),
        raw_symbol=Symbol(symbol),
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def pair(symbol: str, base: Currency, quote: Currency, venue: str = "SIM") -> CurrencyPair:
    """A spot pair; its fees are the venue's."""
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), Venue(venue)),
        raw_symbol=Symbol(symbol),
        base_currency=base,
        quote_currency=quote,
        price_precision=5,
        size_precision=6,
        price_increment=Price(1e-5, 5),
        size_increment=Quantity(1e-6, 6),
        margin_init=Decimal("0.01"),
        margin_maint=Decimal("0.01"),
        ts_event=0,
        ts_init=0,
    )


def bars_of(instrument: Any, prices: Sequence[float], step: timedelta = DAY) -> list[Bar]:
    """Bars that close at the given prices, the first of which begins at START."""
    bar_type = BarType.from_str(f"{instrument.id}-{SPECS[step]}-EXTERNAL")
    nanoseconds = int(step / timedelta(microseconds=1)) * 1000
    start = int(START.timestamp()) * 10**9
    volume = Quantity(1_000_000, instrument.size_precision)
    made = []
    for number, price in enumerate(prices):
        value = Price(price, instrument.price_precision)
        time = start + number * nanoseconds
        made.append(Bar(bar_type, *[value] * 4, volume, time, time))
    return made


def backtest(
    prices: Sequence[float],
    orders: Mapping[int, Any] | None = None,
    *,
    instrument: Any = None,
    step: timedelta = DAY,
    config: BacktestEngineConfig | None = None,
    strategy: Mapping[str, Any] | None = None,
    strategy_class: type[Scripted] = Scripted,
    **venue: Any,
) -> BacktestEngine:
    """An engine with one strategy that follows its script, which has not run."""
    instrument = share() if instrument is None else instrument
    made = BacktestEngine(config or BacktestEngineConfig(logging=QUIET))
    made.add_venue(
        **{
            "venue": instrument.id.venue,
            "oms_type": OmsType.NETTING,
            "account_type": AccountType.MARGIN,
            "base_currency": USD,
            "starting_balances": [Money(100_000, USD)],
            "fee_model": MakerTakerFeeModel(0, 0),
        }
        | venue
    )
    made.add_instrument(instrument)
    bars = bars_of(instrument, prices, step)
    made.add_data(bars)
    signed = {bar: Decimal(str(quantity)) for bar, quantity in (orders or {}).items()}
    said = {"instrument_id": instrument.id, "bar_type": bars[0].bar_type, "orders": signed}
    made.add_strategy(strategy_class(ScriptedConfig(**said, **(strategy or {}))))
    return made
