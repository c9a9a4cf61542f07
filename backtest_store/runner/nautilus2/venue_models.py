"""What a venue of the short form does that no model of NautilusTrader 2.0 does.

NautilusTrader imports these by the paths that a run's configuration names, so that whoever has
this package can run the configuration without `btstore`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from nautilus_trader.execution import FillModel

from backtest_store.runner.slippage import WorseFills

IS_CODE_OF_RUNS = True


class SlippageFillModel(WorseFills, FillModel):  # type: ignore[misc]  # compiled, without types
    """Fill every order that takes liquidity at a price that is worse by a fixed measure.

    Parameters
    ----------
    ticks : int, default 0
        Of the instrument's price increments.
    fraction : float, default 0
        Of the price, rounded to the next worse tick.
    """

    def __new__(cls, **_: Any) -> Self:
        """Make the compiled part."""
        made: Self = super().__new__(cls)
        return made

    def __init__(self, ticks: int = 0, fraction: float = 0.0) -> None:
        self._ticks, self._fraction = ticks, Decimal(str(fraction))
