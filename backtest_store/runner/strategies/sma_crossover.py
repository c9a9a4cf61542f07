"""Follow the trend: be on the side to which a fast moving average crosses a slow one."""

from math import isclose

from nautilus_trader.model import Bar

from backtest_store.runner.nautilus_names import PositionSide
from backtest_store.runner.strategies.base import (
    SingleInstrumentConfig,
    SingleInstrumentStrategy,
    require,
    require_period,
)
from backtest_store.runner.strategies.indicators import SimpleMovingAverage

# Averages of the same flat prices over different periods differ by a rounding error.
_ROUNDING = 1e-12


class SmaCrossoverConfig(SingleInstrumentConfig, kw_only=True, frozen=True):
    """How `SmaCrossover` trades; the rest is in `SingleInstrumentConfig`.

    Parameters
    ----------
    fast_period : int, default 10
        The bars in the fast average.
    slow_period : int, default 50
        The bars in the slow average, more than in the fast one.
    """

    fast_period: int = 10
    slow_period: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        require_period("fast_period", self.fast_period)
        require_period("slow_period", self.slow_period)
        require(
            self.fast_period < self.slow_period,
            "fast_period",
            self.fast_period,
            f"be less than slow_period {self.slow_period}",
        )


class SmaCrossover(SingleInstrumentStrategy):
    """Buy when the fast average crosses above the slow one, sell when it crosses below.

    The first position waits for the first cross after both averages are full.
    """

    def __init__(self, config: SmaCrossoverConfig) -> None:
        self._fast = SimpleMovingAverage(config.fast_period)
        self._slow = SimpleMovingAverage(config.slow_period)
        self._trend: PositionSide | None = None
        super().__init__(config, [self._fast, self._slow])

    def target(self, bar: Bar) -> PositionSide | None:  # noqa: ARG002
        """Return the new side at a cross, else None; averages that touch have not crossed."""
        if isclose(self._fast.value, self._slow.value, rel_tol=_ROUNDING):
            return None
        before = self._trend
        is_up = self._fast.value > self._slow.value
        self._trend = PositionSide.LONG if is_up else PositionSide.SHORT
        return self._trend if before not in (None, self._trend) else None

    def on_reset(self) -> None:
        """Forget the trend too."""
        super().on_reset()
        self._trend = None
