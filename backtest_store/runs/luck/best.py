"""The best runs, and what each is worth given how many were tried before it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import sqrt

from backtest_store.models import OtherPeriod, Record, metric
from backtest_store.runs import listing as listings
from backtest_store.runs.compare import describe_other_period
from backtest_store.runs.listing import Listing
from backtest_store.runs.luck import ScopeName
from backtest_store.runs.luck.shared_months import distinct, trial_of
from backtest_store.runs.luck.trial_scopes import Scope, scope_of
from backtest_store.runs.selectors import require_one_currency
from backtest_store.statistics import Variance
from backtest_store.statistics.luck import LEAST_RETURNS, SharpeEstimate
from backtest_store.statistics.luck_verdict import FEWEST_RETURNS, Finding, Trials, Verdict, judge
from backtest_store.store import queries, sql
from backtest_store.store.sql import Db

PAGE = 200
MOST_AUTOCORRELATION = 0.99  # at 1 a Sharpe ratio has no error that is finite
MOST_MEASURED = 20_000  # runs whose Sharpe ratios tell how far apart those of trials lie
MOST_CORRELATED = 500  # trials whose correlation is measured: the newest ones


@dataclass(frozen=True, kw_only=True)
class JudgedRun(Record):
    """A run, and what it is worth given the trials that were made before it was found.

    Probabilities are fractions; `sharpe_ratio_from_luck` is annualised as `sharpe_ratio` is, and
    `minimum_track_record` in years. `other_sharpe_ratio` is that of the same parameters at another
    time, where they were run on one. `backtest_store.statistics.luck` has the definitions.
    """

    trials: int | None = metric("count")
    effective_trials: float | None = metric("ratio")
    sharpe_ratio_from_luck: float | None = metric("ratio")
    probabilistic_sharpe_ratio: float | None = metric("fraction")
    deflated_sharpe_ratio: float | None = metric("fraction")
    minimum_track_record: float | None = metric("ratio")
    chance_of_luck: float | None = metric("fraction")
    other_start_date: datetime | None = field(default=None, metadata={"unit": "date"})
    other_end_date: datetime | None = field(default=None, metadata={"unit": "date"})
    other_sharpe_ratio: float | None = metric("ratio")
    verdict: Finding = "cannot_tell"


async def best(
    db: Db,
    listing: Listing,
    limit: int,
    *,
    scope: ScopeName = "strategy",
    variance: Variance = "published",
) -> list[JudgedRun]:
    """Return the best runs of a list, each judged by all trials of its scope.

    Conditions choose which runs are shown, never how many trials there were. Reproductions are
    passed over, and so are repetitions of one configuration.
    """
    successful = (*listing.where, sql.condition("status", "success"))
    await require_one_currency(db, listing.order_by, successful)
    found = await _distinct(db, listing._replace(where=successful), limit)
    counted: dict[Scope, Trials] = {}
    for run in found:
        of_run = scope_of(run, scope)
        if of_run not in counted:
            counted[of_run] = await _trials(db, of_run)
    others = await queries.other_periods(db, run_ids=[run.run_id for run in found])
    other_of = {other.run_id: other for other in others}
    return [
        _with_other(judged(run, counted[scope_of(run, scope)], variance), other_of.get(run.run_id))
        for run in found
    ]


async def _distinct(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return the first runs of a list that have the metric, one of each configuration."""
    found: dict[object, Record] = {}
    is_last = False
    while not is_last and len(found) < limit:
        page = await listings.page(db, listing, PAGE)
        known = [run for run in page if getattr(run, listing.order_by) is not None]
        for run in known:
            if run.reproduced_from is None:
                found.setdefault(trial_of(run), run)
        is_last = len(known) < PAGE  # the undefined come last
        listing = listing._replace(after=page[-1] if page else None)
    return [*found.values()][:limit]


def _with_other(run: JudgedRun, other: OtherPeriod | None) -> JudgedRun:
    """Add what the same parameters did at another time."""
    if other is None:
        return run
    return replace(
        run,
        other_start_date=other.start_date,
        other_end_date=other.end_date,
        other_sharpe_ratio=other.sharpe_ratio,
    )


async def _trials(db: Db, scope: Scope) -> Trials:
    counted = await queries.trials(db, **vars(scope), newest=MOST_MEASURED)
    stored = await queries.months(db, limit=MOST_CORRELATED, where=scope.conditions())
    return Trials(
        count=max(counted.trials, 1),
        deviation=counted.deviation or 0.0,
        correlation=correlation_of(stored),
    )


def correlation_of(runs: Sequence[Record]) -> float | None:
    """Return the mean correlation of the returns of runs over the same periods, if there are any.

    Returns are of months, or of days where runs are that short.
    """
    rows: dict[object, list[Sequence[float | None]]] = {}
    for run in distinct(runs):
        if run.period_returns is not None:
            span = run.period, run.period_start, len(run.period_returns)
            rows.setdefault(span, []).append(run.period_returns)
    most = max(rows.values(), key=len, default=[])
    if len(most) < 2:  # noqa: PLR2004 - a pair
        return None
    import numpy as np

    from backtest_store.statistics.correlation import mean_correlation

    table = np.array(most, dtype=float)  # None becomes NaN
    return mean_correlation(table[:, ~np.isnan(table).any(axis=0)])


def count_as_independent(runs: Sequence[JudgedRun]) -> bool:
    """Say whether trials count as independent of each other, for lack of anything alike in them."""
    return any((run.trials or 0) > 1 and run.effective_trials == run.trials for run in runs)


def judged(run: Record, trials: Trials, variance: Variance) -> JudgedRun:
    """Return a run with what it is worth; undefined where its returns do not tell."""
    verdict, year = _verdict(run, trials, variance), run.periods_per_year
    if verdict is None or year is None:
        return JudgedRun(**run.__dict__, trials=trials.count)
    needed = verdict.minimum_track_record
    return JudgedRun(
        **run.__dict__,
        trials=verdict.trials,
        effective_trials=verdict.effective_trials,
        sharpe_ratio_from_luck=verdict.sharpe_ratio_from_luck * sqrt(year),
        probabilistic_sharpe_ratio=verdict.probabilistic_sharpe_ratio,
        deflated_sharpe_ratio=verdict.deflated_sharpe_ratio,
        minimum_track_record=None if needed is None else needed / year,
        chance_of_luck=verdict.chance_of_luck,
        verdict=verdict.finding,
    )


def _verdict(run: Record, trials: Trials, variance: Variance) -> Verdict | None:
    estimate = _estimate(run)
    if estimate is None:
        return None
    try:
        return judge(estimate, trials, variance)
    except ValueError:  # skewness and kurtosis are of no distribution
        return None


def _estimate(run: Record) -> SharpeEstimate | None:
    ratio, year, count = run.sharpe_ratio, run.periods_per_year, run.returns_count
    shape = run.returns_skewness, run.returns_kurtosis
    if ratio is None or year is None or count is None or None in shape or count < LEAST_RETURNS:
        return None
    correlation = run.returns_autocorrelation or 0.0
    return SharpeEstimate(
        sharpe_ratio=ratio / sqrt(year),
        returns_count=count,
        skewness=shape[0] or 0.0,
        kurtosis=shape[1] or 0.0,
        autocorrelation=min(max(correlation, -MOST_AUTOCORRELATION), MOST_AUTOCORRELATION),
    )


def describe_verdict(run: JudgedRun) -> str:
    """Say in a sentence or two what a run is worth."""
    return f"{_finding(run)}{_elsewhere(run)}"


def _finding(run: JudgedRun) -> str:
    ratio, luck, chance = run.sharpe_ratio, run.sharpe_ratio_from_luck, run.chance_of_luck
    if ratio is None or luck is None or chance is None:
        return "cannot tell: its Sharpe ratio, or the shape of its returns, is undefined"
    if run.verdict == "cannot_tell":
        return f"cannot tell: {run.returns_count} daily returns are fewer than {FEWEST_RETURNS}"
    tried = "one trial" if run.trials == 1 else f"the best of {run.trials:,} trials"
    if run.trials and run.effective_trials and round(run.effective_trials) < run.trials:
        tried += f", alike enough to count as {run.effective_trials:,.0f},"
    luckily = f"without skill {tried} does as well in {_percent(chance)} of cases"
    if run.verdict == "real":
        return f"more than luck: {luckily}, and shows a Sharpe ratio of about {luck:.2f}"
    return f"may well be luck: {luckily}, and shows a Sharpe ratio of about {luck:.2f}"


def _elsewhere(run: JudgedRun) -> str:
    """Say how much of the Sharpe ratio was left at another time."""
    if run.other_sharpe_ratio is None or not run.sharpe_ratio:
        return ""
    dates = run.other_start_date, run.other_end_date
    return f"; {describe_other_period(run.sharpe_ratio, run.other_sharpe_ratio, *dates)}"


def _percent(chance: float) -> str:
    if chance < 0.001:  # noqa: PLR2004 - a tenth of a percent
        return "less than 0.1%"
    return f"{chance:.1%}"
