"""Put runs side by side: what differs in how they ran, how they went, and which went best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import inf
from statistics import StatisticsError, correlation
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS, OtherPeriod, Record
from backtest_store.runs.changes.inputs import differing, inputs_of
from backtest_store.runs.expressions.parameters import flattened
from backtest_store.runs.notebooks import html_tables
from backtest_store.runs.selectors import resolve, resolve_all
from backtest_store.statistics.months import SpanMetrics, metrics_of_months, months_of
from backtest_store.store import queries
from backtest_store.store.sql import Condition, Db

FEWEST, MOST = 2, 10
Number = int | float | Decimal
UNFAIR = {
    "instrument_ids": "instruments",
    "start_date": "start dates",
    "end_date": "end dates",
    "initial_capital": "initial capitals, which amounts of money depend on",
    "currency": "currencies, so amounts of money are not compared",
    "equity_basis": "equity bases (mark_to_market values open positions, balance does not)",
}
SAME_DATA = ("instrument_ids", "start_date", "end_date")
GROWING = ("total_return", "net_profit")  # with time, and so not comparable over other times
SIDES = ("total_return", "sharpe_ratio", "max_drawdown")
FEWEST_MONTHS = 3  # two months always correlate by 1 or -1


@dataclass(frozen=True)
class Comparison:
    """Runs to be read side by side, in the order in which they are shown.

    Metrics are measured against the `baseline`; `split` is the first day of the month at which the
    runs are divided in two; `other_periods` tell how the same parameters did at another time.
    """

    runs: Sequence[Record]
    baseline: Record | None = None
    split: date | None = None
    other_periods: Sequence[OtherPeriod] = ()

    def inputs(self) -> dict[str, list[Any]]:
        """Return all that went into the runs, run by run; None where a run has no such input."""
        every = [inputs_of(run) for run in self.runs]
        return {name: [inputs.get(name) for inputs in every] for inputs in every for name in inputs}

    def differing_inputs(self) -> dict[str, list[Any]]:
        """Return what is not the same in all runs of what went into them."""
        return differing(self.runs)

    def sides(self, run: Record) -> tuple[SpanMetrics | None, SpanMetrics | None]:
        """Return how a run did in the months before the split, and in those from it on."""
        months, yearly = months_of(run), run.periods_per_year or 0.0
        parts = (
            [month for month in months if self.split and month.first < self.split],
            [month for month in months if self.split and month.first >= self.split],
        )
        before, after = (
            metrics_of_months(p, yearly) if any(m.count for m in p) else None for p in parts
        )
        return before, after

    def correlations(self) -> list[list[float | None]]:
        """Return the correlation of each two runs' returns over the months that both have."""
        returns = [{m.first: m.total for m in months_of(run) if m.count} for run in self.runs]
        return [[_correlation(one, other) for other in returns] for one in returns]

    def parameters(self) -> dict[str, list[object]]:
        """Return each parameter's values, run by run; None where a run has no such parameter."""
        flat = [flattened(run.parameters) for run in self.runs]
        return {name: [run.get(name) for run in flat] for run in flat for name in run}

    def best(self, metric: str) -> set[int]:
        """Return the places of the best runs by a metric; none if no run is better than another.

        Nothing is better or worse of what was measured in another way, in another currency or of
        another capital, or of what grows with time over another time.
        """
        values = [getattr(run, metric) for run in self.runs]
        known = [value for value in values if value is not None]
        if METRIC_FIELDS[metric]["best"] is None or len(set(known)) <= 1:
            return set()
        measured = [run for run in self.runs if getattr(run, metric) is not None]
        if any(_differ(measured, field) for field in _must_agree(metric)):
            return set()
        top = max(known)
        return {place for place, value in enumerate(values) if value == top}

    def delta(self, metric: str, place: int) -> Number | None:
        """Return a metric's value less the baseline's, None where either is undefined or infinite.

        So is the difference of amounts in two currencies.
        """
        run, baseline = self.runs[place], self.baseline
        if baseline is None:
            return None
        if METRIC_FIELDS[metric]["unit"] == "money" and _differ([run, baseline], "currency"):
            return None
        value, base = getattr(run, metric), getattr(baseline, metric)
        return None if {value, base} & {None, inf} else value - base

    def _repr_html_(self) -> str:
        return html_tables.comparison(self)

    def notes(self) -> Iterator[str]:
        """Yield what makes the comparison unfair."""
        done = [run for run in self.runs if run.has_metrics]
        differing = [field for field in UNFAIR if _differ(done, field)]
        if not {*SAME_DATA} & {*differing} and _differ(done, "data_fingerprint"):
            yield "the runs have different market data for the same instruments and dates"
        for field in differing:
            yield f"the runs have different {UNFAIR[field]}"
        for run in self.runs:
            if run.status == "stopped":
                name = str(run.run_id)[:8]
                yield f"run {name} was stopped before its data ended: {run.error_message}"
            if self.split is not None and run.total_return is not None and not months_of(run):
                yield f"run {str(run.run_id)[:8]} was stored without its months"
        ratios = {run.run_id: run.sharpe_ratio for run in self.runs}
        for other in self.other_periods:
            if ratio := ratios.get(other.run_id):
                dates = other.start_date, other.end_date
                there = describe_other_period(ratio, other.sharpe_ratio, *dates)
                yield f"run {str(other.run_id)[:8]} has a Sharpe ratio of {ratio:.2f}; {there}"


async def compare(
    db: Db,
    runs: Sequence[str],
    baseline: str | None = None,
    split: date | None = None,
    *,
    where: Sequence[Condition] = (),
) -> Comparison:
    """Return the runs that selectors mean; the baseline is one of them or another run."""
    found = await resolve_all(db, runs, where) if len(runs) <= MOST else []
    count = len(found) or len(runs)
    if not FEWEST <= count <= MOST:
        raise UsageError(f"compare takes {FEWEST} to {MOST} runs, not {count}")
    beside = None if baseline is None else await resolve(db, baseline, where)
    others = await queries.other_periods(db, run_ids=[run.run_id for run in found])
    return Comparison(found, beside, split, others)


def describe_other_period(
    ratio: float, other: float, start: datetime | None, end: datetime | None
) -> str:
    """Say how much of a Sharpe ratio was left at another time."""
    when = f" from {start:%Y-%m-%d} to {end:%Y-%m-%d}" if start and end else ""
    left = f", {other / ratio:.0%} of it" if ratio > 0 else ""
    return f"with the same parameters{when} it was {other:.2f}{left}"


def _must_agree(metric: str) -> Iterator[str]:
    """Yield the fields that runs must share for a metric of them to be compared."""
    yield "equity_basis"
    if METRIC_FIELDS[metric]["unit"] == "money":
        yield from ("currency", "initial_capital")
    if metric in GROWING:
        yield from ("start_date", "end_date")


def _correlation(one: dict[date, float], other: dict[date, float]) -> float | None:
    months = [month for month in one if month in other]
    if len(months) < FEWEST_MONTHS:
        return None
    try:
        return correlation([one[m] for m in months], [other[m] for m in months])
    except StatisticsError:  # one of them never moves
        return None


def _differ(runs: Sequence[Record], field: str) -> bool:
    return len({_hashable(getattr(run, field)) for run in runs}) > 1


def _hashable(value: object) -> object:
    return tuple(sorted(value)) if isinstance(value, list) else value
