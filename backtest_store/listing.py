"""List runs in an order, page by page: first the ranked, then those without a rank."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from backtest_store import queries, sql
from backtest_store.fields import REQUIRED, SQL_NAMES, is_best_low
from backtest_store.models import Record
from backtest_store.selectors import resolve
from backtest_store.sql import Condition, Db

NEWEST_FIRST = "started_at"
PAGE = 1000


class Listing(NamedTuple):
    """What is to be listed: the conditions, the field that ranks, and the run to begin after."""

    where: tuple[Condition, ...] = ()
    order_by: str = NEWEST_FIRST
    after: Record | None = None


def parts(listing: Listing) -> Iterator[tuple[Condition, ...]]:
    """Yield the conditions of the parts of a list: the runs with a rank, then those without.

    Each is one walk along an index; NULLS LAST in one query would need an index made for it, and
    hide from PostgreSQL where in it to begin.
    """
    where, field, after = listing
    if field in REQUIRED:
        yield (*where, *_ranked_after(field, after))
        return
    ranked = after is None or getattr(after, field) is not None
    if ranked:
        yield (
            *where,
            sql.condition("defined", field=SQL_NAMES[field]),
            *_ranked_after(field, after),
        )
    undefined = sql.condition("undefined", field=SQL_NAMES[field])
    yield (*where, undefined, *_newer_than(None if ranked else after))


def _newer_than(after: Record | None) -> tuple[Condition, ...]:
    return () if after is None else (sql.condition("after", after.started_at, after.run_id),)


def _ranked_after(field: str, after: Record | None) -> tuple[Condition, ...]:
    if after is None or field == NEWEST_FIRST:
        return _newer_than(after)
    operator = ">" if is_best_low(field) else "<"
    ranked = sql.condition(
        "after_ranked",
        getattr(after, field),
        after.started_at,
        after.run_id,
        field=SQL_NAMES[field],
        after=operator,
        not_before=f"{operator}=",
    )
    return (ranked,)


async def after(db: Db, listing: Listing, run: str | None) -> Listing:
    """Return a listing that begins after the run that a selector means."""
    return listing if run is None else listing._replace(after=await resolve(db, run))


async def page(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return at most so many runs."""
    runs: list[Record] = []
    for where in parts(listing):
        missing = limit - len(runs)
        runs += await queries.list_runs(db, limit=missing, where=where, order_by=listing.order_by)
        if len(runs) == limit:
            break
    return runs


async def pages(db: Db, listing: Listing) -> AsyncIterator[list[Record]]:
    """Yield all runs, page by page; the first page may be empty."""
    runs = await page(db, listing, PAGE)
    yield runs
    while len(runs) == PAGE:
        listing = listing._replace(after=runs[-1])
        runs = await page(db, listing, PAGE)
        if runs:
            yield runs
