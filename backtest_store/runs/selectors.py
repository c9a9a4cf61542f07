"""Find the run that a person means: a full id, a prefix, @latest, @latest~2, @best:sharpe_ratio."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from backtest_store.errors import RunNotFoundError, UsageError
from backtest_store.models import FoundRun, Record
from backtest_store.store import queries
from backtest_store.store.fields import MONEY, RANKED_METRICS, known
from backtest_store.store.sql import Condition, Db

DIGITS = 32
SHORTEST_PREFIX = 4
CANDIDATES = 5
SEE_HISTORY = "btstore history lists the runs"
WRITTEN = "a RUN is a full id, its first 4 or more characters, @latest, @latest~2 or @best:METRIC"


async def resolve(db: Db, run: str) -> Record:
    """Return the whole run that a selector means.

    Raises
    ------
    UsageError
        If it names a metric that there is not.
    RunNotFoundError
        If no run, or more than one, answers to it.
    """
    return (await resolve_all(db, [run]))[0]


async def resolve_all(db: Db, runs: Sequence[str]) -> list[Record]:
    """Return the whole runs that selectors mean, in their order.

    Raises
    ------
    UsageError
        If one of them names a metric that there is not.
    RunNotFoundError
        If no run, or more than one, answers to one of them.
    """
    ids = await resolve_ids(db, runs)
    found = {run.run_id: run for run in await queries.get_runs(db, run_ids=ids)}
    for run, run_id in zip(runs, ids, strict=True):
        if run_id not in found:  # deleted since, by another session
            raise RunNotFoundError(f"there is no run {run}", hint=SEE_HISTORY)
    return [found[run_id] for run_id in ids]


async def resolve_ids(db: Db, runs: Sequence[str]) -> list[UUID]:
    """Return the ids of the runs that selectors mean, in their order."""
    ranges = {run: _range(run) for run in runs if not run.startswith("@")}
    named = {run: await _named(db, run) for run in runs if run.startswith("@")}
    ids = named | await _within(db, ranges)
    return [ids[run] for run in runs]


async def require_one_currency(db: Db, field: str, where: Sequence[Condition] = ()) -> None:
    """Make sure that runs can be ranked by a field: amounts only within one currency.

    Raises
    ------
    UsageError
        If the field is an amount, and the runs that meet the conditions are of several currencies.
    """
    if field not in MONEY:
        return
    found = await queries.currencies(db, field=field, where=where)
    if len(found) > 1:
        raise UsageError(
            f"{field} is in {' and '.join(found)}, which do not compare",
            hint=f"choose one: --sort {field} --currency {found[0]}",
        )


def id_range(beginning: str) -> tuple[UUID, UUID] | None:
    """Return the least and the greatest id that begin so, or None if no id does."""
    digits = beginning.replace("-", "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{0,{DIGITS}}}", digits):
        return None
    return UUID(digits.ljust(DIGITS, "0")), UUID(digits.ljust(DIGITS, "f"))


def _range(run: str) -> tuple[UUID, UUID]:
    found = id_range(run)
    if found is None:
        raise RunNotFoundError(f"there is no run {run!r}", hint=WRITTEN)
    if len(run.replace("-", "")) < SHORTEST_PREFIX:
        raise RunNotFoundError(f"{run!r} is too short to name a run", hint=WRITTEN)
    return found


async def _within(db: Db, ranges: dict[str, tuple[UUID, UUID]]) -> dict[str, UUID]:
    if not ranges:
        return {}
    lows, highs = zip(*ranges.values(), strict=True)
    found = await queries.find_runs(db, lows=lows, highs=highs, limit=CANDIDATES)
    return {run: _only(run, position, found) for position, run in enumerate(ranges, 1)}


def _only(run: str, position: int, found: Sequence[FoundRun]) -> UUID:
    ids = [f.run_id for f in found if f.position == position]
    if not ids:
        raise RunNotFoundError(f"there is no run {run}", hint=SEE_HISTORY)
    if len(ids) > 1:
        more = " …" if len(ids) == CANDIDATES else ""
        raise RunNotFoundError(
            f"{run} is ambiguous: more than one run begins so",
            hint=f"it could be {', '.join(map(str, ids))}{more}",
        )
    return ids[0]


async def _named(db: Db, run: str) -> UUID:
    if match := re.fullmatch(r"@latest(?:~(\d{1,9}))?", run):
        ids = await queries.latest_run(db, newer=int(match[1] or 0))
    elif match := re.fullmatch(r"@best:(\w+)", run):
        metric = known(match[1], RANKED_METRICS, "metric")
        await require_one_currency(db, metric)
        ids = await queries.best_run(db, metric=metric)
    else:
        raise RunNotFoundError(f"there is no run {run!r}", hint=WRITTEN)
    if not ids:
        raise RunNotFoundError(f"there is no run {run}", hint=SEE_HISTORY)
    return ids[0]
