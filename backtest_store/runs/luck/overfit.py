"""How probable it is that the best of several runs was only fitted to their past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from math import sqrt
from statistics import median

import numpy as np

from backtest_store.errors import UsageError
from backtest_store.models import figure
from backtest_store.runs.luck.shared_months import DAYS_A_YEAR, SharedMonths
from backtest_store.statistics.overfitting import DailyMoments, overfitting


@dataclass(frozen=True, kw_only=True)
class OverfitRuns:
    """Whether the best of several runs was fitted to its past.

    `slope` and `intercept` lead from an annual Sharpe ratio in sample to the same run's out of
    sample; `backtest_store.statistics.overfitting` has the definitions.
    """

    runs: int
    months: int
    first_month: date = field(metadata={"unit": "month"})
    last_month: date = field(metadata={"unit": "month"})
    probability_of_overfitting: float = figure("fraction")
    chance_of_loss: float = figure("fraction")
    slope: float = figure("ratio")
    intercept: float = figure("ratio")
    blocks: int
    ways: int


def overfit(shared: SharedMonths) -> OverfitRuns:
    """Return the probability of overfitting of runs over the same months, if they are enough."""
    rows = shared.months
    moments = DailyMoments.of(
        np.array([[month.count for month in row] for row in rows], dtype=float),
        np.array([[month.mean for month in row] for row in rows]),
        np.array([[month.deviation for month in row] for row in rows]),
    )
    try:
        found = overfitting(moments)
    except ValueError as error:
        raise UsageError(f"cannot tell: {error}") from error
    year = median(run.periods_per_year or DAYS_A_YEAR for run in shared.runs)
    return OverfitRuns(
        runs=len(rows),
        months=len(rows[0]),
        first_month=shared.firsts[0],
        last_month=shared.firsts[-1],
        probability_of_overfitting=found.probability,
        chance_of_loss=found.chance_of_loss,
        slope=found.slope,
        intercept=found.intercept * sqrt(year),
        blocks=found.blocks,
        ways=found.ways,
    )


def explained(found: OverfitRuns) -> Iterator[str]:
    """Yield what the figures mean, for a reader without statistics."""
    chance = found.probability_of_overfitting
    yield (
        f"the {found.months} months were halved in {found.ways:,} ways; in {chance:.0%} of them the"
        " run that was best in one half was no better than the median in the other"
    )
    if chance >= 0.5:  # noqa: PLR2004 - what noise has
        yield "that is what noise does: the best of these runs was fitted to its past"
    elif chance > 0.05:  # noqa: PLR2004 - as elsewhere, 95 % is sure
        yield "50% is pure noise and 0% a lasting difference: do not rely on the best one alone"
    else:
        yield "the best of these runs tends to stay good"
    yield f"in {found.chance_of_loss:.0%} of the ways it lost money in the other half"
    yield (
        "a Sharpe ratio of 1.00 in one half was followed by"
        f" {found.intercept + found.slope:.2f} in the other (slope {found.slope:.2f})"
    )
