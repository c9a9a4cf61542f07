"""What the bundled strategies share: how large a position is, and how to get into it.

Orders are market orders. In a backtest on bars NautilusTrader fills them at the close of the bar
that gave the signal, a tick worse where the venue's slippage has it so. A position that is open
when the data ends stays open and is marked to market; it is not closed by force.
"""

from decimal import ROUND_FLOOR, Decimal
from math import isfinite

from nautilus_trader.model import Bar, BarType, InstrumentId, Price, Quantity
from nautilus_trader.trading import Strategy

from backtest_store.errors import UsageError
from backtest_store.runner.nautilus_names import OrderSide, PositionSide, StrategyConfig
from backtest_store.runner.strategies.indicators import Indicator


def require(condition: bool, field: str, value: object, demand: str) -> None:  # noqa: FBT001
    """Raise a UsageError that names the field, what is demanded of it, and its value."""
    if not condition:
        raise UsageError(f"{field} must {demand}, was {value}")


def require_period(field: str, value: int) -> None:
    """Refuse a number of bars that is too small."""
    require(value >= 1, field, value, "be at least 1")


def require_finite(field: str, value: float) -> None:
    """Refuse infinity and what is not a number."""
    require(isfinite(value), field, value, "be a finite number")


class SingleInstrumentConfig(StrategyConfig, kw_only=True, frozen=True):
    """What every bundled strategy is told.

    Exactly one of `equity_fraction` and `trade_size` sizes a position.

    Parameters
    ----------
    instrument_id : InstrumentId
        What is traded.
    bar_type : BarType
        The bars that give the signals.
    equity_fraction : float, optional
        The value of a new position as a fraction of equity (0.95 is 95 %), more than 1 with
        leverage; rounded down to whole lots.
    trade_size : Decimal, optional
        The units of a new position.
    allow_short : bool, default False
        Whether the strategy sells short too, or is only ever long or flat.

    Raises
    ------
    UsageError
        If a value is impossible; it names the field and the value.
    """

    instrument_id: InstrumentId
    bar_type: BarType
    equity_fraction: float | None = None
    trade_size: Decimal | None = None
    allow_short: bool = False

    def __post_init__(self) -> None:
        sizes = {"equity_fraction": self.equity_fraction, "trade_size": self.trade_size}
        given = {field: size for field, size in sizes.items() if size is not None}
        if len(given) != 1:
            listed = " and ".join(f"{field} {size}" for field, size in given.items())
            raise UsageError(
                f"give exactly one of equity_fraction and trade_size, was {listed or 'none'}"
            )
        for field, size in given.items():
            require_finite(field, float(size))
            require(size > 0, field, size, "be more than 0")


class SingleInstrumentStrategy(Strategy):  # type: ignore[misc]  # compiled, without types
    """Keep one instrument long, short or flat, as `target` says at each bar."""

    def __init__(self, config: SingleInstrumentConfig, indicators: list[Indicator]) -> None:
        super().__init__(config)
        self._indicators_in_use = indicators

    def target(self, bar: Bar) -> PositionSide | None:
        """Return the side to be on after this bar, or None to stay as is."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Subscribe to the bars."""
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        """Trade, once the indicators have seen enough bars."""
        for indicator in self._indicators_in_use:
            indicator.update(bar.close.as_double())
        if not all(indicator.is_full for indicator in self._indicators_in_use):
            return
        side = self.target(bar)
        if side == PositionSide.SHORT and not self.config.allow_short:
            side = PositionSide.FLAT
        if side is not None and side != self.side:
            self._move_to(side, bar.close)

    def on_reset(self) -> None:
        """Forget the bars that were seen."""
        for indicator in self._indicators_in_use:
            indicator.reset()

    @property
    def side(self) -> PositionSide:
        """The side that the strategy is on."""
        if self.portfolio.is_net_long(self.config.instrument_id):
            return PositionSide.LONG
        if self.portfolio.is_net_short(self.config.instrument_id):
            return PositionSide.SHORT
        return PositionSide.FLAT

    def _move_to(self, side: PositionSide, price: Price) -> None:
        quantity = self._quantity(price)
        self.close_all_positions(self.config.instrument_id)
        if side == PositionSide.FLAT:
            return
        if quantity is None:
            self.log.warning("Equity is too small for a position")
            return
        order = self.order_factory.market(
            instrument_id=self.config.instrument_id,
            order_side=OrderSide.BUY if side == PositionSide.LONG else OrderSide.SELL,
            quantity=quantity,
        )
        self.submit_order(order)

    def _quantity(self, price: Price) -> Quantity | None:
        instrument = self.cache.instrument(self.config.instrument_id)
        if self.config.trade_size is not None:
            return instrument.make_qty(self.config.trade_size)
        value = self._equity(price) * Decimal(str(self.config.equity_fraction))
        lot = (instrument.lot_size or instrument.size_increment).as_decimal()
        unit_cost = price.as_decimal() * instrument.multiplier.as_decimal()
        lots = (value / unit_cost / lot).to_integral_value(ROUND_FLOOR)
        return instrument.make_qty(lots * lot) if lots > 0 else None

    def _equity(self, price: Price) -> Decimal:
        account = self.portfolio.account(self.config.instrument_id.venue)
        positions = self.cache.positions_open(instrument_id=self.config.instrument_id)
        equity: Decimal = account.balance_total().as_decimal()
        for position in positions:
            equity += position.unrealized_pnl(price).as_decimal()
        return equity
