"""List runs in an order, page by page: those that have what ranks them, then those without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from backtest_store.models import STATUSES_WITH_METRICS, Record
from backtest_store.store import queries, sql
from backtest_store.store.record_fields import (
    COPIED_TO_RUNS,
    INDEXED_ORDERS,
    LISTED,
    REQUIRED,
    SQL_NAMES,
    UNINDEXED_METRICS,
    ascends,
)
from backtest_store.store.sql import Condition, Db

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from asyncpg import Connection

Start = tuple[Condition, ...]  # what the runs of a part of a list meet
NEWEST_FIRST = "started_at"
# Most pages are found among the first so many runs of an order, which takes a few milliseconds: so
# many entries of an index, where that has all that is asked for, or so many rows of the table,
# fewer of one strategy. Where they are not, all that meet the conditions are put in order.
NEAR = 9000
NEAR_ROWS = 3000
NEAR_ROWS_OF_STRATEGY = 1000
MOST_COUNTED = 10_000
OVER_MONTHS = (NEWEST_FIRST, "total_return", "sharpe_ratio", "max_drawdown")


class Listing(NamedTuple):
    """What is to be listed: the conditions, the field that ranks, and the run to begin after.

    Reproductions are left out unless they are asked for.
    """

    where: tuple[Condition, ...] = ()
    order_by: str = NEWEST_FIRST
    after: Record | None = None
    reproductions: bool = False

    @property
    def kind(self) -> tuple[Condition, ...]:
        """The condition that leaves reproductions out: nearly all runs meet it."""
        return () if self.reproductions else (sql.condition("original"),)


async def page(
    db: Db, listing: Listing, limit: int | None, fields: Sequence[str] = LISTED
) -> list[Record]:
    """Return these fields of at most so many runs, or of all."""
    found = await ids(db, listing, limit)
    return await queries.get_runs(db, run_ids=found, fields=fields) if found else []


async def over_months(
    db: Db, listing: Listing, months: tuple[date, date], limit: int
) -> list[Record]:
    """Return the first runs that cover some whole months, with what they did over these.

    Return, Sharpe ratio and drawdown are those of the months, and rank by them.
    """
    first, last = months
    found = await queries.over_months(
        db,
        first=first,
        until=(last + timedelta(31)).replace(day=1),
        by=listing.order_by,
        limit=limit,
        where=listing.where,
    )
    runs = await queries.get_runs(db, run_ids=[each.run_id for each in found])
    return [
        replace(
            run,
            total_return=each.total_return,
            sharpe_ratio=each.sharpe_ratio,
            max_drawdown=each.max_drawdown,
        )
        for run, each in zip(runs, found, strict=True)
    ]


async def count(db: Db, listing: Listing) -> int:
    """Count the runs of a whole list, from its beginning; but not many more than anybody counts."""
    return await queries.count_runs(
        db, limit=MOST_COUNTED + 1, where=(*listing.where, *listing.kind)
    )


async def every(db: Connection, listing: Listing) -> AsyncIterator[list[list[Any]]]:
    """Yield the values of `LISTED` of all runs, some runs at a time, in constant memory."""
    where = (*listing.where, *listing.kind, *_rest(_starts(listing)))
    async for rows in sql.batches(db, queries.list_runs(where, listing.order_by)):
        yield rows


async def ids(db: Db, listing: Listing, limit: int | None = None) -> list[UUID]:
    """Return the ids of at most so many runs, or of all."""
    order_by = _order(listing)
    if limit is not None and order_by in INDEXED_ORDERS:
        found, is_whole = await _first(db, listing, limit)
        if is_whole:
            return found
    where = (*listing.where, *listing.kind, *_rest(_starts(listing)))
    if order_by not in UNINDEXED_METRICS:
        return await queries.ranked_ids_of_all(db, limit=limit, where=where, order_by=order_by)
    # That reads every metric; what other conditions ask for is found sooner by their indexes.
    is_of_nearly_all = {each.name for each in listing.where} <= {"defined", "status"}
    if limit is not None and listing.after is None and is_of_nearly_all:
        found = await queries.ids_by_metric_near_top(
            db, limit=limit, within=NEAR_ROWS, where=where, order_by=order_by
        )
        if len(found) == limit:
            return found
    return await queries.ids_by_metric(db, limit=limit, where=where, order_by=order_by)


async def _first(db: Db, listing: Listing, limit: int) -> tuple[list[UUID], bool]:
    """Return what is found among the first runs of an order, and whether that is the whole page."""
    leading, others, near = _walk(listing)
    found: list[UUID] = []
    for start in _starts(listing):
        left = limit - len(found)
        found += await queries.ranked_ids_near_top(
            db,
            limit=left,
            within=near if others else left,
            start=(*leading, *start, *listing.kind),
            where=others,
            order_by=_order(listing),
        )
        if others or len(found) == limit:
            break
    return found, len(found) == limit or not others


def _walk(listing: Listing) -> tuple[Start, tuple[Condition, ...], int]:
    """Return the condition whose runs an index has in order, the others, and how far to look."""
    asked = {each.name: each for each in listing.where}
    status, strategy = asked.get("status"), asked.get("strategy")
    leading: Start
    if status and status.values[0] != "success" and _order(listing) == NEWEST_FIRST:
        taken, leading = status, (status,)
        has, rows = {"strategy", "type", "instrument"}, NEAR_ROWS
    elif strategy:
        taken, leading = strategy, (sql.condition("strategy_in_order", *strategy.values),)
        has, rows = {"status"}, NEAR_ROWS_OF_STRATEGY
    else:
        taken, leading = None, ()
        has, rows = {"type", "status", "instrument"}, NEAR_ROWS
    others = tuple(each for each in listing.where if each is not taken)
    return leading, others, NEAR if {each.name for each in others} <= has else rows


def _order(listing: Listing) -> str:
    """Return the field by which runs are in the same order as by that one."""
    statuses = [c.values[0] for c in listing.where if c.name == "status"]
    has_no_metrics = any(status not in STATUSES_WITH_METRICS for status in statuses)
    is_undefined = has_no_metrics and listing.order_by in COPIED_TO_RUNS
    return NEWEST_FIRST if is_undefined else listing.order_by


def _starts(listing: Listing) -> list[Start]:
    """Return what the runs that are left meet: those with a rank, and then those without one.

    An index cannot be told to begin in its middle and to go on with its end.
    """
    field, after = listing.order_by, listing.after
    if after is None:
        return [()]
    if field in REQUIRED:
        return [(_ranked_after(field, after),)]
    undefined = sql.condition("undefined", field=SQL_NAMES[field])
    if getattr(after, field) is None:
        return [(undefined, _newer_than(after))]
    return [(_ranked_after(field, after),), (undefined,)]


def _rest(starts: Sequence[Start]) -> tuple[Condition, ...]:
    """Return the conditions for the runs of all parts."""
    first, *others = starts
    return (sql.either(*first, *others[0]),) if others else first


def _newer_than(after: Record) -> Condition:
    return sql.condition("after", after.started_at, after.run_id)


def _ranked_after(field: str, after: Record) -> Condition:
    if field == NEWEST_FIRST:
        return _newer_than(after)
    name = "after_ranked_up" if ascends(field) else "after_ranked"
    place = getattr(after, field), after.started_at, after.run_id
    return sql.condition(name, *place, field=SQL_NAMES[field])
