"""List runs in an order, page by page: first the ranked, then those without a rank."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from backtest_store import queries, sql
from backtest_store.fields import COPIED_TO_RUNS, REQUIRED, SQL_NAMES, WALKED, is_best_low
from backtest_store.models import Record
from backtest_store.selectors import resolve
from backtest_store.sql import Condition, Db, Query

NEWEST_FIRST = "started_at"
PAGE = 1000
# Conditions that no order's index tests: runs that meet them are searched for among the first so
# many of a list, which takes milliseconds, and only then among all.
SEARCHED = ("tag", "metric", "parameter")
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


def parts(listing: Listing) -> Iterator[Part]:
    """Yield the parts of a list: the runs with a rank, then those without.

    Each is one walk along an index; NULLS LAST in one query would need an index made for it, and
    hide from PostgreSQL where in it to begin.
    """
    where, field, after = listing
    if field in REQUIRED:
        yield Part((*where, *_ranked_after(field, after)), field)
        return
    ranked = after is None or getattr(after, field) is not None
    newer = _newer_than(None if ranked else after)
    if field in COPIED_TO_RUNS and _excludes_success(where):
        yield Part((*where, *newer), NEWEST_FIRST)
        return
    if ranked:
        defined = sql.condition("defined", field=SQL_NAMES[field])
        yield Part((*where, defined, *_ranked_after(field, after)), field)
    yield Part((*where, sql.condition("undefined", field=SQL_NAMES[field]), *newer), field)


def _excludes_success(where: Sequence[Condition]) -> bool:
    return any(c.name == "status" and c.values != ("success",) for c in where)


def _newer_than(after: Record | None) -> tuple[Condition, ...]:
    return () if after is None else (sql.condition("after", after.started_at, after.run_id),)


def _ranked_after(field: str, after: Record | None) -> tuple[Condition, ...]:
    if after is None or field == NEWEST_FIRST:
        return _newer_than(after)
    name = "after_ranked_up" if is_best_low(field) else "after_ranked"
    place = getattr(after, field), after.started_at, after.run_id
    return (sql.condition(name, *place, field=SQL_NAMES[field]),)


async def after(db: Db, listing: Listing, run: str | None) -> Listing:
    """Return a listing that begins after the run that a selector means."""
    return listing if run is None else listing._replace(after=await resolve(db, run))


async def page(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return at most so many runs."""
    if listing.order_by not in WALKED:
        return await _found(db, listing, limit)
    searched = [c for c in listing.where if c.name.startswith(SEARCHED)]
    if searched:
        near = await _walked(db, next(parts(listing)), limit, searched)
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
    where, field, after = listing
    if after is not None:
        undefined = sql.condition("undefined", field=SQL_NAMES[field])
        if getattr(after, field) is None:
            where = (*where, undefined, *_newer_than(after))
        else:
            (ranked,) = _ranked_after(field, after)
            where = (*where, ranked if field in REQUIRED else sql.either(ranked, undefined))
    return await queries.list_runs(db, limit=limit, where=where, order_by=field)


def walk(where: Sequence[Condition], order_by: str, within: int) -> Query:
    """Return the query for at most so many runs that come first along an index."""
    given = {condition.name: condition for condition in where}
    kind = [given[name] for name in ("type", "strategy") if name in given]
    order = SQL_NAMES[order_by]
    if "instrument" in given:
        others = [condition for condition in where if condition.name != "instrument"]
        query = sql.query("runs/of_instrument", within, *given["instrument"].values)
        return query.having(others).having(kind, "kind").worded(field=order)
    if len(kind) > 1:
        where = (*where, sql.condition("occurs", *(value for c in kind for value in c.values)))
    query = sql.query("runs/first", within).having(where)
    return query.worded(list=_list(given, order_by) or order, field=order)


def _list(given: dict[str, Condition], order_by: str) -> str | None:
    """Return what the index to be walked is divided by."""
    if "strategy" in given:
        return SQL_NAMES["strategy_name"]
    if "type" in given and order_by == NEWEST_FIRST:
        return SQL_NAMES["strategy_type"]
    return None


async def pages(db: Db, listing: Listing) -> AsyncIterator[list[Record]]:
    """Yield all runs, page by page; the first page may be empty."""
    runs = await page(db, listing, PAGE)
    yield runs
    while len(runs) == PAGE:
        listing = listing._replace(after=runs[-1])
        runs = await page(db, listing, PAGE)
        if runs:
            yield runs
