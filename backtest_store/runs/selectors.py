"""Find the runs that a person means by an id, its beginning, @latest, @best:METRIC and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from backtest_store.errors import RunNotFoundError, UsageError
from backtest_store.models import FoundRun, Record
from backtest_store.runs import listing as listings
from backtest_store.runs.listing import Listing
from backtest_store.store import queries, sql
from backtest_store.store.record_fields import MONEY, RANKED_METRICS, SQL_NAMES, known
from backtest_store.store.sql import Condition, Db

DIGITS = 32
SHORTEST_PREFIX = 4
CANDIDATES = 5
ORIGINAL = "~"
BATCH = re.compile(r"@batch(?:~(\d{1,9}))?")
SEE_HISTORY = "btstore history lists the runs"
WRITTEN = (
    "a RUN is a full id, its first 4 or more characters, @latest, @latest~2, @best:METRIC,"
    " @starred, @batch or @batch~2; RUN~ is what a reproduction repeats"
)


async def resolve(db: Db, run: str, where: Sequence[Condition] = ()) -> Record:
    """Return the whole run that a selector means; `@latest` and `@best` look among filtered runs.

    Reproductions are passed over. RunNotFoundError if no run, or more than one, answers to it.
    """
    ids = await resolve_ids(db, [run], where)
    if len(ids) > 1:
        raise RunNotFoundError(
            f"{run} is {len(ids):,} runs, and this takes one",
            hint=f"they are {', '.join(map(str, ids[:CANDIDATES]))}",
        )
    return (await _whole(db, ids))[0]


async def resolve_all(db: Db, runs: Sequence[str], where: Sequence[Condition] = ()) -> list[Record]:
    """Return the whole runs that selectors mean, in their order."""
    return await _whole(db, await resolve_ids(db, runs, where))


async def _whole(db: Db, ids: Sequence[UUID]) -> list[Record]:
    found = {run.run_id: run for run in await queries.get_runs(db, run_ids=ids)}
    for run_id in ids:
        if run_id not in found:  # deleted since, by another session
            raise RunNotFoundError(f"there is no run {run_id}", hint=SEE_HISTORY)
    return [found[run_id] for run_id in ids]


async def resolve_ids(db: Db, runs: Sequence[str], where: Sequence[Condition] = ()) -> list[UUID]:
    """Return the ids of the runs that selectors mean, in their order; a batch has several."""
    named = [run for run in runs if run.startswith("@") or run.endswith(ORIGINAL)]
    ids = {run: await _named(db, run, where) for run in named}
    found = await _within(db, {run: _range(run) for run in runs if run not in ids})
    ids |= {run: [run_id] for run, run_id in found.items()}
    return [run_id for run in runs for run_id in ids[run]]


async def require_one_currency(db: Db, field: str, where: Sequence[Condition] = ()) -> None:
    """Make sure that runs can be ranked by a field: amounts only within one currency."""
    if field not in MONEY:
        return
    found = await queries.currencies(db, field=field, where=where)
    if len(found) > 1:
        raise UsageError(
            f"{field} is in {' and '.join(found)}, which do not compare",
            hint=f"choose one: --currency {found[0]}",
        )


async def begin(db: Db, listing: Listing, run: str | None) -> Listing:
    """Return a listing that begins after a run, its amounts being of one currency."""
    await require_one_currency(db, listing.order_by, listing.where)
    return listing if run is None else listing._replace(after=await resolve(db, run, listing.where))


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
    found = await queries.ids_by_prefix(db, lows=lows, highs=highs, limit=CANDIDATES)
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


async def _named(db: Db, run: str, where: Sequence[Condition]) -> list[UUID]:
    if run.endswith(ORIGINAL):
        return [await _original(db, run.removesuffix(ORIGINAL), where)]
    if match := re.fullmatch(r"@latest(?:~(\d{1,9}))?", run):
        newer = int(match[1] or 0)
        ids = (await listings.ids(db, Listing((*where,)), newer + 1))[newer:]
    elif match := re.fullmatch(r"@best:(\w+)", run):
        ids = await _best(db, known(match[1], RANKED_METRICS, "metric"), where)
    elif BATCH.fullmatch(run):
        ids = await _every(db, sql.condition("batch", run), *where)
    elif run == "@starred":
        ids = await _every(db, sql.condition("starred"), *where)
    else:
        raise RunNotFoundError(f"there is no run {run!r}", hint=WRITTEN)
    if not ids:
        among = " that the filters match" if where else ""
        raise RunNotFoundError(f"there is no run {run}{among}", hint=SEE_HISTORY)
    return ids


async def _every(db: Db, *where: Condition) -> list[UUID]:
    return await listings.ids(db, Listing(where, reproductions=True))


async def _best(db: Db, metric: str, where: Sequence[Condition]) -> list[UUID]:
    """Return the best successful original by a metric, the newest of equals."""
    await require_one_currency(db, metric, where)
    ranked = sql.condition("defined", field=SQL_NAMES[metric]), sql.condition("status", "success")
    return await listings.ids(db, Listing((*ranked, *where), metric), 1)


async def _original(db: Db, run: str, where: Sequence[Condition]) -> UUID:
    """Return the id of the run that a reproduction repeats."""
    found = await resolve(db, run, where)
    if found.reproduced_from is None:
        raise RunNotFoundError(f"run {found.run_id} is not a reproduction", hint=WRITTEN)
    return (await resolve_ids(db, [str(found.reproduced_from)]))[0]
