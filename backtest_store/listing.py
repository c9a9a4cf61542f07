"""List runs in an order, page by page or all of them: first the ranked, then those without rank."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from backtest_store import queries, sql
from backtest_store.fields import LISTED, REQUIRED, SQL_NAMES, direction
from backtest_store.models import Record
from backtest_store.selectors import resolve
from backtest_store.sql import Condition, Db, Row

if TYPE_CHECKING:
    from asyncpg import Connection

NEWEST_FIRST = "started_at"


class Listing(NamedTuple):
    """What is to be listed: the conditions, the field that ranks, and the run to begin after."""

    where: tuple[Condition, ...] = ()
    order_by: str = NEWEST_FIRST
    after: Record | None = None


class Part(NamedTuple):
    """A part of a list that one query gives: its conditions and its order."""

    where: tuple[Condition, ...]
    order_by: str


def parts(listing: Listing) -> Iterator[Part]:
    """Yield the parts of a list in their order; each is one walk along an index.

    NULLS LAST in one query would hide where in the index a page begins.
    """
    where, field, after = listing
    if field == NEWEST_FIRST:
        yield Part((*where, *_newer(after)), field)
        return
    ranked = after is None or getattr(after, field) is not None
    if ranked:
        yield Part((*where, *_ranked(field, after)), field)
    if field not in REQUIRED:
        place = () if ranked else _newer(after)
        undefined = sql.condition("undefined", field=SQL_NAMES[field])
        yield Part((*where, undefined, *place), NEWEST_FIRST)


def _newer(run: Record | None) -> tuple[Condition, ...]:
    return () if run is None else (sql.condition("after", run.started_at, run.run_id),)


def _ranked(field: str, after: Record | None) -> tuple[Condition, ...]:
    name = SQL_NAMES[field]
    if after is None:
        return (sql.condition("defined", field=name),)
    operator = "<" if direction(field) == "DESC" else ">"
    return (
        sql.condition(
            "after_ranked",
            getattr(after, field),
            after.started_at,
            after.run_id,
            field=name,
            after=operator,
            not_before=f"{operator}=",
        ),
    )


async def after(db: Db, listing: Listing, run: str | None) -> Listing:
    """Return a listing that begins after the run that a selector means."""
    return listing if run is None else listing._replace(after=await resolve(db, run))


async def page(db: Db, listing: Listing, limit: int) -> list[Record]:
    """Return at most so many runs."""
    runs: list[Record] = []
    for part in parts(listing):
        missing = limit - len(runs)
        runs += await queries.list_runs(db, limit=missing, where=part.where, order_by=part.order_by)
        if len(runs) == limit:
            break
    return runs


async def rows(db: Connection, listing: Listing) -> AsyncIterator[list[Row]]:
    """Yield every run as text, its values in the order of `LISTED`, some at a time."""
    for part in parts(listing):
        query = queries.listed_runs(None, part.where, part.order_by)
        async for some in sql.stream(db, query, LISTED):
            yield some
