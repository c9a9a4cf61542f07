"""List runs in an order, page by page: first those with a rank, then those without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from backtest_store.models import Record
from backtest_store.runs.selectors import resolve
from backtest_store.store import queries, sql
from backtest_store.store.fields import (
    COPIED_TO_RUNS,
    DOWN,
    INDEXED_ORDERS,
    REQUIRED,
    SQL_NAMES,
    ascends,
    direction,
)
from backtest_store.store.sql import Condition, Db, Query

if TYPE_CHECKING:
    from asyncpg import Connection

NEWEST_FIRST = "started_at"
MEASURED = (("success",), ("stopped",))  # the states of runs that have metrics
# Conditions that no order's index tests: runs that meet them are searched for among the first so
# many of a list, which takes milliseconds, and only then among all.
SEARCHED = ("tag", "note", "metric", "parameter")
NEAR = 3000


class Part(NamedTuple):
    """A part of a list that is one walk along an index."""

    where: tuple[Condition, ...]
    order_by: str


class Listing(NamedTuple):
    """What is to be listed: the conditions, the field that ranks, and the run to begin after."""

    where: tuple[Condition, ...] = ()
    order_by: str = NEWEST_FIRST
    after: Record | None = None


def parts(listing: Listing) -> list[Part]:
    """Return the parts of a list that are left.

    A whole list is one part. What follows a run with a rank is two, those with one and those
    without, because no index can be told to begin in its middle and to go on with its end.
    """
    where, field, _ = listing
    return [Part((*where, *more), _order(where, field)) for more in _remaining(listing)]


def _remaining(listing: Listing) -> list[tuple[Condition, ...]]:
    """Return what the runs of each part that is left meet beside the list's conditions."""
    _, field, after = listing
    if after is None:
        return [()]
    if field in REQUIRED:
        return [(_ranked_after(field, after),)]
    undefined = sql.condition("undefined", field=SQL_NAMES[field])
    if getattr(after, field) is None:
        return [(undefined, _newer_than(after))]
    return [(_ranked_after(field, after),), (undefined,)]


def _order(where: Sequence[Condition], field: str) -> str:
    """Return the field by which runs are in the same order as by that one."""
    unsuccessful = any(c.name == "status" and c.values not in MEASURED for c in where)
    return NEWEST_FIRST if unsuccessful and field in COPIED_TO_RUNS else field


def _newer_than(after: Record) -> Condition:
    return sql.condition("after", after.started_at, after.run_id)


def _ranked_after(field: str, after: Record) -> Condition:
    if field == NEWEST_FIRST:
        return _newer_than(after)
    name = "after_ranked_up" if ascends(field) else "after_ranked"
    place = getattr(after, field), after.started_at, after.run_id
    return sql.condition(name, *place, field=SQL_NAMES[field])


async def after(db: Db, listing: Listing, run: str | None) -> Listing:
    """Return a listing that begins after the run that a selector means."""
    return listing if run is None else listing._replace(after=await resolve(db, run))


async def page(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return at most so many runs."""
    if listing.order_by not in INDEXED_ORDERS:
        return await _found(db, listing, limit)
    searched = [c for c in listing.where if c.name.startswith(SEARCHED)]
    if searched:
        near = await _walked(db, parts(listing)[0], limit, searched)
        return near if len(near) == limit else await _found(db, listing, limit)
    runs: list[Record] = []
    for part in parts(listing):
        runs += await _walked(db, part, limit - len(runs))
        if len(runs) == limit:
            break
    return runs


async def _walked(
    db: Db, part: Part, limit: int, searched: Sequence[Condition] = ()
) -> list[Record]:
    """Return the first runs of a part, or those of its beginning that are searched for."""
    where, order_by = [c for c in part.where if c not in searched], part.order_by
    along = walk(where, order_by, NEAR if searched else limit)
    return await queries.list_runs(db, limit=limit, where=searched, order_by=order_by, walk=along)


async def _found(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return the first of all runs that meet the conditions, however they are found."""
    where, field, _ = listing
    first, *rest = _remaining(listing)
    left = (sql.either(*first, *rest[0]),) if rest else first
    return await queries.list_runs(db, limit=limit, where=(*where, *left), order_by=field)


def walk(where: Sequence[Condition], order_by: str, within: int) -> Query:
    """Return the query for at most so many runs that come first along an index."""
    given = {condition.name: condition for condition in where}
    kind = [given[name] for name in ("type", "strategy") if name in given]
    words = {"field": SQL_NAMES[order_by], "direction": direction(order_by)}
    if "instrument" in given:
        others = [condition for condition in where if condition.name != "instrument"]
        query = sql.query("runs/of_instrument", within, *given["instrument"].values)
        return query.having(others).having(kind, "kind").worded(**words)
    if len(kind) > 1:
        where = (*where, sql.condition("occurs", *(value for c in kind for value in c.values)))
    query = sql.query("runs/first", within).having(where)
    list_ = _list(given, order_by)
    if list_ is None:
        return query.worded(list=words["field"], list_direction=words["direction"], **words)
    return query.worded(list=SQL_NAMES[list_], list_direction=DOWN, **words)


def _list(given: dict[str, Condition], order_by: str) -> str | None:
    """Return the field that the index to be walked is divided by."""
    if "strategy" in given:
        return "strategy_name"
    if "type" in given and order_by == NEWEST_FIRST:
        return "strategy_type"
    return None


async def every(db: Connection, listing: Listing) -> AsyncIterator[list[list[Any]]]:
    """Yield the values of `LISTED` of all runs, some runs at a time, in constant memory."""
    for where, order_by in parts(listing):
        async for rows in sql.batches(db, queries.all_runs(where, order_by)):
            yield rows
