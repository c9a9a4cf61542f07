"""Choose the best run of one span of months, and look at what it did in the next.

References
----------
.. [1] R. Pardo, "The Evaluation and Optimization of Trading Strategies", 2nd edition, Wiley, 2008,
   chapter 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from statistics import median

Score = Callable[[int, int, int], float | None]
"""The score of a run (its place) over the months from a first to before a last; None: undefined."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One step: the best run of some months, and its scores in them and in those that follow."""

    train: range
    test: range
    run: int
    trained: float
    tested: float | None


@dataclass(frozen=True, kw_only=True)
class WalkForward:
    """All steps, oldest first, and the monthly returns that they make one after the other.

    `hindsight` has those of the one run that would have been best over all of them, and `middle`
    the median run's of each month: what a choice without knowledge gives.
    """

    windows: Sequence[Window]
    months: Sequence[int]
    returns: Sequence[float]
    hindsight: Sequence[float]
    middle: Sequence[float]


def walk_forward(
    returns: Sequence[Sequence[float]], score: Score, *, train: int, test: int
) -> WalkForward:
    """Walk forward [1]_ over months that all runs share, a row of returns a run.

    No backtest is run. The last test may be shorter. ValueError if there are not enough months.
    """
    count = len(returns[0]) if returns else 0
    if min(train, test) < 1 or count <= train:
        raise ValueError(f"needs more than {train} months that all runs share, has {count}")
    windows = list(_windows(len(returns), count, score, train, test))
    held = [(window.run, month) for window in windows for month in window.test]
    months = [month for _, month in held]
    best = max(range(len(returns)), key=lambda run: compounded(returns[run][m] for m in months))
    return WalkForward(
        windows=windows,
        months=months,
        returns=[returns[run][month] for run, month in held],
        hindsight=[returns[best][month] for month in months],
        middle=[median(row[month] for row in returns) for month in months],
    )


def _windows(runs: int, count: int, score: Score, train: int, test: int) -> Iterator[Window]:
    for first in range(0, count - train, test):
        middle, last = first + train, min(first + train + test, count)
        scores = [(score(run, first, middle), -run) for run in range(runs)]
        known = [(value, place) for value, place in scores if value is not None]
        if known:
            trained, place = max(known)
            tested = score(-place, middle, last)
            yield Window(
                train=range(first, middle),
                test=range(middle, last),
                run=-place,
                trained=trained,
                tested=tested,
            )


def compounded(returns: Iterable[float]) -> float:
    """Return what returns come to one after the other, a fraction."""
    return prod(1 + r for r in returns) - 1
