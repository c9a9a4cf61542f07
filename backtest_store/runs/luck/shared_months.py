"""The months that many runs share, for what is asked of them without running anything again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from backtest_store.errors import UsageError
from backtest_store.models import Record
from backtest_store.statistics.months import Month, months_of
from backtest_store.store import queries
from backtest_store.store.sql import Condition, Db

MOST_RUNS = 1000
FEWEST_RUNS = 2
DAYS_A_YEAR = 252.0  # of runs without their own


@dataclass(frozen=True, kw_only=True)
class SharedMonths:
    """Runs over the same months, the newest first; the notes say what was left out, and why."""

    runs: Sequence[Record]
    months: Sequence[Sequence[Month]]
    notes: Sequence[str]

    @property
    def firsts(self) -> list[date]:
        """The first day of each month."""
        return [month.first for month in self.months[0]]


async def shared_months(db: Db, where: Sequence[Condition]) -> SharedMonths | None:
    """Return the months of the runs that meet conditions, if any: one run of each configuration.

    Runs share the months that most of them have; those that do not cover them are left out, and so
    are months in which one of them has no market data. Fewer than two such runs are a UsageError.
    """
    found = await queries.months(db, limit=MOST_RUNS + 1, where=where)
    if not found:
        return None
    runs = list(distinct(found[:MOST_RUNS]))
    months = {run.run_id: months_of(run) for run in runs}
    known = [run for run in runs if months[run.run_id]]
    if len(known) < FEWEST_RUNS:
        raise UsageError(
            f"needs {FEWEST_RUNS} runs of different configurations with months, found {len(known)}"
        )
    first, last = _most_common(months[run.run_id] for run in known)
    covering = [
        run
        for run in known
        if months[run.run_id][0].first <= first and months[run.run_id][-1].first >= last
    ]
    rows = [[m for m in months[run.run_id] if first <= m.first <= last] for run in covering]
    no_months = "without months: stored by an older version, or their capital was lost"
    notes = [
        *([f"only the newest {MOST_RUNS:,} runs are looked at"] if len(found) > MOST_RUNS else []),
        *_left_out(len(runs) - len(known), "run", no_months),
        *_left_out(len(known) - len(covering), "run", f"not from {first:%Y-%m} to {last:%Y-%m}"),
    ]
    return _without_gaps(covering, rows, notes)


def distinct(runs: Iterable[Record]) -> Iterable[Record]:
    """Return the first run of each trial."""
    found: dict[object, Record] = {}
    for run in runs:
        found.setdefault(trial_of(run), run)
    return found.values()


def trial_of(run: Record) -> object:
    """Return what a trial is known by: configuration and code; a run without hash is its own."""
    return run.run_id if run.config_hash is None else (run.config_hash, run.code_hash)


def _most_common(rows: Iterable[Sequence[Month]]) -> tuple[date, date]:
    """Return the first and the last month that most rows have, of equals the longest."""
    spans = Counter((row[0].first, row[-1].first) for row in rows)
    return max(spans, key=lambda span: (spans[span], span[1] - span[0], span))


def _without_gaps(
    runs: Sequence[Record], rows: Sequence[Sequence[Month]], notes: Sequence[str]
) -> SharedMonths:
    places = [n for n in range(len(rows[0])) if all(row[n].count for row in rows)]
    if len(runs) < FEWEST_RUNS or not places:
        raise UsageError("needs 2 runs that share months", hint="choose runs over one time")
    gaps = len(rows[0]) - len(places)
    left = _left_out(gaps, "month", "without market data")
    months = [[row[n] for n in places] for row in rows]
    return SharedMonths(runs=runs, months=months, notes=[*notes, *left])


def _left_out(count: int, thing: str, why: str) -> list[str]:
    things = thing if count == 1 else f"{thing}s"
    return [f"left out: {count:,} {things} {why}"] if count else []
