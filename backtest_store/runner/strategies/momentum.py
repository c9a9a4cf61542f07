"""Time-series momentum: hold what has risen over the lookback."""

from nautilus_trader.model import Bar

from backtest_store.runner.nautilus_names import PositionSide
from backtest_store.runner.strategies.base import (
    SingleInstrumentConfig,
    SingleInstrumentStrategy,
    require,
    require_finite,
    require_period,
)
from backtest_store.runner.strategies.indicators import RateOfChange


class MomentumConfig(SingleInstrumentConfig, kw_only=True, frozen=True):
    """How `Momentum` trades; the rest is in `SingleInstrumentConfig`.

    Parameters
    ----------
    lookback : int, default 20
        The bars over which the price's change is measured.
    threshold : float, default 0
        Hold while the change, a fraction (0.02 is 2 %), is more than this; be short while it is
        less than its negative, if shorts are allowed.
    """

    lookback: int = 20
    threshold: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_period("lookback", self.lookback)
        require_finite("threshold", self.threshold)
        require(self.threshold >= 0, "threshold", self.threshold, "be at least 0")


class Momentum(SingleInstrumentStrategy):
    """Be long while the price is above where it was, short or flat while it is below."""

    def __init__(self, config: MomentumConfig) -> None:
        self._change = RateOfChange(config.lookback)
        super().__init__(config, [self._change])

    def target(self, bar: Bar) -> PositionSide | None:  # noqa: ARG002
        """Return the side of the change, flat while it is within the threshold."""
        if self._change.value > self.config.threshold:
            return PositionSide.LONG
        if self._change.value < -self.config.threshold:
            return PositionSide.SHORT
        return PositionSide.FLAT
