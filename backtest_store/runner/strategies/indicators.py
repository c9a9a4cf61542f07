"""The indicators of the bundled strategies, one definition for every NautilusTrader.

NautilusTrader 2.0 gives a relative strength index from 0 to 100, one bar later than 1.x, whose own
goes from 0 to 1, and it seeds Wilder's averages in another way; its rate of change is in percent
and counts the bars differently. A strategy would trade on other days for that alone.
"""

from __future__ import annotations

from collections import deque


class SimpleMovingAverage:
    """The mean of the last prices, of `period` bars."""

    def __init__(self, period: int) -> None:
        self._prices: deque[float] = deque(maxlen=period)

    @property
    def is_full(self) -> bool:
        """Whether it has seen as many prices as it counts."""
        return len(self._prices) == self._prices.maxlen

    @property
    def value(self) -> float:
        """The mean, in units of the price."""
        return sum(self._prices) / len(self._prices)

    def update(self, price: float) -> None:
        """Take the next price."""
        self._prices.append(price)

    def reset(self) -> None:
        """Forget all prices."""
        self._prices.clear()


class RateOfChange(SimpleMovingAverage):
    """How much the price has changed over `period` bars, as a fraction (0.02 is 2 %)."""

    def __init__(self, period: int) -> None:
        super().__init__(period + 1)

    @property
    def value(self) -> float:
        """The change, a fraction."""
        return self._prices[-1] / self._prices[0] - 1


class RelativeStrengthIndex:
    """Wilder's relative strength index, from 0 to 100; its averages begin with the first change.

    J. Welles Wilder, New Concepts in Technical Trading Systems, 1978.
    """

    def __init__(self, period: int) -> None:
        self._period = period
        self._gain, self._loss, self._count = 0.0, 0.0, 0
        self._last: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether it has seen as many prices as it averages over."""
        return self._count >= self._period

    @property
    def value(self) -> float:
        """The index; 100 where nothing was lost."""
        return 100 - 100 / (1 + self._gain / self._loss) if self._loss else 100.0

    def update(self, price: float) -> None:
        """Take the next price."""
        change = price - (price if self._last is None else self._last)
        self._gain += (max(change, 0.0) - self._gain) / self._period
        self._loss += (max(-change, 0.0) - self._loss) / self._period
        self._last = price
        self._count += 1

    def reset(self) -> None:
        """Forget all prices."""
        self._gain, self._loss, self._count, self._last = 0.0, 0.0, 0, None


Indicator = SimpleMovingAverage | RelativeStrengthIndex
