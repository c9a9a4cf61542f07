"""Many backtests as one task: check all, find what was run before, run the rest, report each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Record
from backtest_store.runner.config_runs import Batch, Checked, Ended, RunOnce, inspect
from backtest_store.runner.grids.grid import Combination, NotRun
from backtest_store.runner.parallel import WorkerDied, Workers
from backtest_store.runs.duplicates import stored_before
from backtest_store.saving import save
from backtest_store.store import queries
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.runner.grids.search import Search
    from backtest_store.store.sql import Db


@dataclass(frozen=True)
class Planned(Checked):
    """A backtest that can be run."""

    combination: Combination


@dataclass
class Report:
    """What became of the backtests so far, each under its place in the plan."""

    combinations: Sequence[Combination] = ()
    runs: dict[int, Record] = field(default_factory=dict)
    failures: dict[int, NotRun] = field(default_factory=dict)
    unsaved: set[UUID] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)
    is_told: bool = False  # that the store is away

    @property
    def failed(self) -> int:
        """How many failed, or could not be run."""
        ended = sum(not run.has_metrics for run in self.runs.values())
        return ended + len(self.failures)

    @property
    def stopped(self) -> int:
        """How many the engine stopped before their data ended."""
        return sum(run.status == "stopped" for run in self.runs.values())

    @property
    def saved(self) -> int:
        """How many succeeded and are in the database."""
        return sum(
            run.status == "success" and run.run_id not in self.unsaved for run in self.runs.values()
        )

    def in_order(self) -> list[Record]:
        """Return the runs in the order of the plan."""
        return [self.runs[number] for number in sorted(self.runs)]

    def labelled(self) -> dict[str, Record]:
        """Return the runs by what they are called in the plan, or else in the store."""
        return {
            self.combinations[place].label or self.runs[place].strategy_name: self.runs[place]
            for place in sorted(self.runs)
        }


def plan(
    found: Sequence[Combination | NotRun], workers: Workers
) -> tuple[list[Planned], list[NotRun]]:
    """Check all combinations of one config before any is run."""
    possible = [c for c in found if isinstance(c, Combination)]
    impossible = [c for c in found if isinstance(c, NotRun)]
    checked = dict(workers.each(inspect, [c.config for c in possible]))
    planned = []
    for number, combination in enumerate(possible):
        match checked[number]:
            case WorkerDied(reason=reason):
                raise StoreError(f"cannot check {combination.label}: {reason}")
            case NotRun(reason=reason, hint=hint):
                impossible.append(NotRun(reason, combination.label, hint))
            case Checked(identity=identity, remarks=remarks):
                planned.append(Planned(identity, remarks, combination))
    if not planned:
        raise UsageError(impossible[0].reason, hint=impossible[0].hint)
    return planned, impossible


async def stored(
    db: Connection, planned: Sequence[Planned], tags: Sequence[str] | None
) -> dict[int, Record]:
    """Return the newest stored run identical to each backtest, under its place in the plan.

    If tags are given, even none, what waits in the spool is saved first, and the runs get them.
    """
    to = Settings.from_environment()
    if tags is not None and save.has_leftovers(to.home):
        await save.save_waiting(to)
    identities = [each.identity for each in planned]
    found = await stored_before(db, identities)
    if not (found and tags):
        return found
    await queries.annotate_runs(db, run_ids=[run.run_id for run in found.values()], add=tags)
    return await stored_before(db, identities)


def run_all(
    planned: Sequence[Planned],
    workers: Workers,
    report: Report,
    *,
    reuse: dict[int, Record],
    batch: Batch | None,
) -> Iterator[int]:
    """Run what is planned but for what is reused, yielding the place of each that has ended."""
    report.runs |= reuse
    places = [place for place in range(len(planned)) if place not in reuse]
    configs = [planned[place].combination.config for place in places]
    for number, outcome in workers.each(RunOnce(datetime.now(UTC), batch), configs):
        _note(report, places[number], outcome)
        yield places[number]


def run_search(
    search: Search, workers: Workers, report: Report, *, batch: Batch, reuse: bool
) -> Iterator[int]:
    """Run what a search suggests, and let it learn from each; yield the place of each that ended.

    With `reuse`, an identical run that is stored is taken for the trial.
    """
    once = RunOnce(datetime.min.replace(tzinfo=UTC) if reuse else datetime.now(UTC), batch)
    for number, outcome in workers.each(once.again if reuse else once, search):
        _note(report, number, outcome)
        search.learn(number, report.runs.get(number))
        yield number


def _note(report: Report, place: int, outcome: Ended | NotRun | WorkerDied) -> None:
    if isinstance(outcome, NotRun | WorkerDied):
        report.failures[place] = NotRun(outcome.reason, report.combinations[place].label)
    else:
        report.runs[place] = outcome.run
        report.remarks.update(outcome.remarks)
        if not outcome.is_saved:
            report.unsaved.add(outcome.run.run_id)


async def forget_saved(db: Db, report: Report) -> None:
    """Take what was saved since from the runs that the database did not take at first."""
    found = await queries.get_runs(db, run_ids=sorted(report.unsaved))
    report.unsaved -= {run.run_id for run in found}
