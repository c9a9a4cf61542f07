"""Bet on the return to the mean: buy what fell too fast, and sell once it has recovered."""

from nautilus_trader.model import Bar

from backtest_store.errors import UsageError
from backtest_store.runner.nautilus_names import PositionSide
from backtest_store.runner.strategies.base import (
    SingleInstrumentConfig,
    SingleInstrumentStrategy,
    require,
    require_finite,
    require_period,
)
from backtest_store.runner.strategies.indicators import RelativeStrengthIndex

_SCALE = 100


class RsiMeanReversionConfig(SingleInstrumentConfig, kw_only=True, frozen=True):
    """How `RsiMeanReversion` trades; the rest is in `SingleInstrumentConfig`.

    Levels are on Wilder's scale from 0 to 100.

    Parameters
    ----------
    period : int, default 14
        The bars in the index's averages.
    oversold : float, default 30
        Buy below this.
    overbought : float, default 70
        Sell short above this, if shorts are allowed.
    exit_level : float, default 50
        Close a long at or above this, a short at or below it.
    """

    period: int = 14
    oversold: float = 30.0
    overbought: float = 70.0
    exit_level: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_period("period", self.period)
        for field in ("oversold", "overbought", "exit_level"):
            level = getattr(self, field)
            require_finite(field, level)
            require(0 <= level <= _SCALE, field, level, "be from 0 to 100")
        if self.overbought <= 1:
            raise UsageError(
                f"overbought must be on the scale from 0 to 100, was {self.overbought}",
                hint=f"write {self.overbought * _SCALE:g}",
            )
        demand = f"be less than overbought {self.overbought}"
        require(self.oversold < self.overbought, "oversold", self.oversold, demand)
        demand = f"be more than oversold {self.oversold} and less than overbought {self.overbought}"
        is_between = self.oversold < self.exit_level < self.overbought
        require(is_between, "exit_level", self.exit_level, demand)


class RsiMeanReversion(SingleInstrumentStrategy):
    """Buy below the oversold level and hold until the exit level; the reverse for shorts."""

    def __init__(self, config: RsiMeanReversionConfig) -> None:
        self._rsi = RelativeStrengthIndex(config.period)
        super().__init__(config, [self._rsi])

    def target(self, bar: Bar) -> PositionSide | None:  # noqa: ARG002
        """Return the side that the index asks for, or None between its levels."""
        rsi = self._rsi.value
        if rsi < self.config.oversold:
            return PositionSide.LONG
        if rsi > self.config.overbought:
            return PositionSide.SHORT
        has_recovered = self.side == PositionSide.LONG and rsi >= self.config.exit_level
        has_cooled = self.side == PositionSide.SHORT and rsi <= self.config.exit_level
        return PositionSide.FLAT if has_recovered or has_cooled else None
