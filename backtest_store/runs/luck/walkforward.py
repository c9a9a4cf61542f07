"""Choose by the past, hold in the future: what that would have earned, from stored months."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from backtest_store.errors import UsageError
from backtest_store.models import Json, figure, metric
from backtest_store.runs.luck import Criterion
from backtest_store.runs.luck.shared_months import DAYS_A_YEAR, SharedMonths
from backtest_store.statistics.months import Month, metrics_of_months
from backtest_store.statistics.walk_forward import Score, WalkForward, compounded, walk_forward

LENGTH = re.compile(r"([1-9]\d{0,2})([my])")
MONTHS_A_YEAR = 12


@dataclass(frozen=True, kw_only=True)
class WalkForwardWindow:
    """The run that was best in some months, and what it did in those that follow.

    Months are given by their first days, `test_end` being that of the last one. `in_sample` and
    `out_of_sample` are what the run was chosen by, before and in the test; the returns are of the
    test: of that run, of the one that was best over all tests, and of each month's median run.
    """

    train_start: date = field(metadata={"unit": "month"})
    test_start: date = field(metadata={"unit": "month"})
    test_end: date = field(metadata={"unit": "month"})
    run_id: UUID
    parameters: Json
    in_sample: float | None = metric("ratio")
    out_of_sample: float | None = metric("ratio")
    total_return: float = figure("fraction")
    hindsight_return: float = figure("fraction")
    median_return: float = figure("fraction")


@dataclass(frozen=True)
class StoredWalkForward:
    """A walk forward over stored runs, as it is shown."""

    windows: Sequence[WalkForwardWindow]
    walked: WalkForward

    def notes(self) -> Iterator[str]:
        """Yield what it earned in all, and beside what."""
        walked = self.walked
        yield f"over {len(walked.months)} months out of sample: {_growth(walked.returns)}"
        yield f"the best run over them, known only in hindsight: {_growth(walked.hindsight)}"
        yield f"the median run of each month, chosen without knowledge: {_growth(walked.middle)}"


def months_in(length: str) -> int:
    """Return how many months a length such as 3y or 18m has."""
    found = LENGTH.fullmatch(length.strip().lower())
    if found is None:
        raise UsageError(f"{length!r} is no length of time", hint="write 18m or 3y")
    return int(found[1]) * (MONTHS_A_YEAR if found[2] == "y" else 1)


def walkforward(shared: SharedMonths, by: Criterion, *, train: int, test: int) -> StoredWalkForward:
    """Walk forward over the months that runs share, choosing by a metric of those before."""
    returns = [[month.total for month in row] for row in shared.months]
    try:
        walked = walk_forward(returns, _score(shared, by), train=train, test=test)
    except ValueError as error:
        raise UsageError(str(error), hint="shorten --train, or choose longer runs") from error
    return StoredWalkForward(list(_windows(shared, walked)), walked)


def _score(shared: SharedMonths, by: Criterion) -> Score:
    rows: Sequence[Sequence[Month]] = shared.months
    years = [run.periods_per_year or DAYS_A_YEAR for run in shared.runs]

    def score(run: int, first: int, last: int) -> float | None:
        value: float | None = getattr(metrics_of_months(rows[run][first:last], years[run]), by)
        return value

    return score


def _windows(shared: SharedMonths, walked: WalkForward) -> Iterator[WalkForwardWindow]:
    held = {month: place for place, month in enumerate(walked.months)}
    firsts = shared.firsts
    for window in walked.windows:
        run, places = shared.runs[window.run], [held[month] for month in window.test]
        yield WalkForwardWindow(
            train_start=firsts[window.train.start],
            test_start=firsts[window.test.start],
            test_end=firsts[window.test.stop - 1],
            run_id=run.run_id,
            parameters=run.parameters,
            in_sample=window.trained,
            out_of_sample=window.tested,
            total_return=compounded(walked.returns[n] for n in places),
            hindsight_return=compounded(walked.hindsight[n] for n in places),
            median_return=compounded(walked.middle[n] for n in places),
        )


def _growth(returns: Sequence[float]) -> str:
    whole = compounded(returns)
    if whole <= -1:
        return f"{whole:.1%} in all"
    yearly = (1 + whole) ** (MONTHS_A_YEAR / len(returns)) - 1
    return f"{whole:.1%} in all, {yearly:.1%} a year"
