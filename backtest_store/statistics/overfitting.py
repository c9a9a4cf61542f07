"""The probability of backtest overfitting, over the months of stored runs.

References
----------
.. [1] D. H. Bailey, J. M. Borwein, M. Lopez de Prado and Q. J. Zhu, "The Probability of Backtest
   Overfitting", Journal of Computational Finance 20(4), 2017, pp. 39-69.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_BLOCKS = 16  # 12,870 ways to choose half of them, as in the paper
FEWEST_BLOCKS = 4  # 6 ways: with fewer there is nothing to average
AT_ONCE = 2_000_000  # numbers in one array, 16 MB


@dataclass(frozen=True)
class DailyMoments:
    """Daily returns: their number, sum and sum of squares, a row a run, a column a period."""

    counts: Array
    sums: Array
    squares: Array

    @classmethod
    def of(cls, counts: Array, means: Array, deviations: Array) -> DailyMoments:
        """Make them from the mean and the deviation (ddof 0) of the daily returns of each month."""
        return cls(counts, counts * means, counts * (deviations**2 + means**2))

    def gathered(self, periods: Array) -> DailyMoments:
        """Return sums over sets of periods: `periods` is 0 or 1, of shape (periods, sets)."""
        return DailyMoments(self.counts @ periods, self.sums @ periods, self.squares @ periods)

    def distinct(self) -> tuple[DailyMoments, NDArray[np.intp]]:
        """Return each different row once, and for each row of these the place of its like.

        A matrix product may round equal rows unequally, depending on where they lie.
        """
        rows = np.concatenate([self.counts, self.sums, self.squares], axis=1)
        _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        once = DailyMoments(self.counts[first], self.sums[first], self.squares[first])
        return once, which.reshape(-1)  # of another shape in NumPy 2.0

    def sharpe_ratios(self) -> Array:
        """Return the Sharpe ratio per day of each cell; NaN where it is undefined."""
        with np.errstate(divide="ignore", invalid="ignore"):
            means = self.sums / self.counts
            variances = (self.squares - self.sums * means) / (self.counts - 1)
            # Differences of equal sums leave rounding, which would be an endless Sharpe ratio.
            noise = variances <= 1e-14 * self.squares / self.counts
            return np.where(noise, np.nan, means / np.sqrt(variances))


@dataclass(frozen=True, kw_only=True)
class Overfitting:
    """What happened out of sample to whatever was best in sample.

    `probability` is the share of the ways to choose half of the time in which the run that was best
    in it was at most the median of all runs in the other half (0.5 for pure noise), and
    `chance_of_loss` that in which it lost money there. The line of `slope` and `intercept` leads
    from the best Sharpe ratio in sample to the same run's out of sample, both per day: a slope
    below 0 says that the better it looked the worse it became. The time is cut into `blocks` of
    equal length.
    """

    probability: float
    chance_of_loss: float
    slope: float
    intercept: float
    blocks: int
    ways: int


def overfitting(months: DailyMoments) -> Overfitting:
    """Compute the probability of backtest overfitting [1]_ of several runs over the same months.

    The paper cuts the time into 16 blocks; of fewer than 32 months there are fewer blocks, so that
    each has two months. Blocks are of equal length, and the oldest months that are left over are
    not used. Ties share their rank. ValueError of fewer than two runs or four months, or if no run
    has a Sharpe ratio.
    """
    runs, periods = months.sums.shape
    blocks = min(MOST_BLOCKS, max(FEWEST_BLOCKS, periods // 4 * 2))
    if runs < 2 or periods < blocks:  # noqa: PLR2004 - one run has nobody to be better than
        raise ValueError(f"needs two runs and {blocks} months, has {runs} and {periods}")
    distinct, which = months.distinct()
    parts = _blocks(distinct, blocks)
    results = [_selected(parts, which, chosen) for chosen in _choices(blocks, runs)]
    inside, outside, ranks = (np.concatenate(column) for column in zip(*results, strict=True))
    if not len(inside):
        raise ValueError("no run has a Sharpe ratio")
    slope, intercept = _line(inside, outside)
    return Overfitting(
        probability=float(np.mean(ranks <= 0.5)),  # noqa: PLR2004 - the median
        chance_of_loss=float(np.mean(outside < 0)),
        slope=slope,
        intercept=intercept,
        blocks=blocks,
        ways=comb(blocks, blocks // 2),
    )


def _blocks(months: DailyMoments, blocks: int) -> DailyMoments:
    periods = months.sums.shape[1]
    length = periods // blocks
    member = np.zeros((periods, blocks))
    for block in range(blocks):
        first = periods - (blocks - block) * length
        member[first : first + length, block] = 1
    return months.gathered(member)


def _choices(blocks: int, runs: int) -> list[Array]:
    """Return all ways to choose half of the blocks, a few at a time: 1 where chosen."""
    halves = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((blocks, len(halves)))
    for way, half in enumerate(halves):
        chosen[list(half), way] = 1
    return np.array_split(chosen, max(1, len(halves) * runs // AT_ONCE), axis=1)


def _selected(
    parts: DailyMoments, which: NDArray[np.intp], chosen: Array
) -> tuple[Array, Array, Array]:
    """Return, for each choice, the best Sharpe ratio inside, the same run's outside, its rank.

    A run's row in `parts` is that which `which` says, as runs that are alike share one.
    """
    inside = parts.gathered(chosen).sharpe_ratios()[which]
    outside = parts.gathered(1 - chosen).sharpe_ratios()[which]
    known = ~(np.isnan(inside) | np.isnan(outside))
    ways = np.flatnonzero(known.any(axis=0))
    best = np.where(known, inside, -np.inf).argmax(axis=0)[ways]
    reached = outside[best, ways]
    others = np.where(known, outside, np.nan)[:, ways]
    below = (others < reached).sum(axis=0) + ((others == reached).sum(axis=0) + 1) / 2
    return inside[best, ways], reached, below / (known.sum(axis=0)[ways] + 1)


def _line(inside: Array, outside: Array) -> tuple[float, float]:
    """Fit a line by least squares; a flat one where nothing varies."""
    spread = inside - inside.mean()
    square = float(spread @ spread)
    slope = float(spread @ outside) / square if square else 0.0
    return slope, float(outside.mean() - slope * inside.mean())
