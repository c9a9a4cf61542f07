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
    """One step: the best run of some months, and how it did in those that follow.

    Attributes
    ----------
    train, test : range
        The months in which it was chosen, and those in which it was held, as places in the list.
    run : int
        The place of the run that was best in training.
    trained, tested : float or None
        Its score in training, and in the test.
    """

    train: range
    test: range
    run: int
    trained: float
    tested: float | None


@dataclass(frozen=True, kw_only=True)
class WalkForward:
    """All steps, and the returns that they make one after the other.

    Attributes
    ----------
    windows : sequence of Window
        Oldest first; none that had no run with a score in training.
    months : sequence of int
        The months that were held, as places in the list.
    returns : sequence of float
        The return of each, a fraction, of whatever run was held then.
    hindsight : sequence of float
        Those of the one run that would have been best over all of them.
    middle : sequence of float
        The median run's return of each month: what a choice without knowledge gives.
    """

    windows: Sequence[Window]
    months: Sequence[int]
    returns: Sequence[float]
    hindsight: Sequence[float]
    middle: Sequence[float]


def walk_forward(
    returns: Sequence[Sequence[float]], score: Score, *, train: int, test: int
) -> WalkForward:
    """Walk forward [1]_ over months that all runs share; no backtest is run.

    Parameters
    ----------
    returns : sequence of sequence of float
        A row for each run: its return of each month, a fraction.
    score : callable
        What a run is chosen by: run and months to score, more being better.
    train, test : int
        Months to choose by, and months to hold; at least 1. The last test may be shorter.

    Raises
    ------
    ValueError
        If there are not enough months for one step.
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
