"""Names in filters that no run has: each is said, with the nearest that there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from backtest_store.errors import UsageError
from backtest_store.models import RECORD_FIELDS
from backtest_store.runs.expressions.asked_filters import Filters
from backtest_store.runs.expressions.where import ALIASES, PARAMETERS, Subject
from backtest_store.store import queries, sql
from backtest_store.suggestions import named_or_nearest

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.store.sql import Db

T = TypeVar("T")
MOST_STRATEGIES = 1000
NEWEST = 10_000  # runs that are looked at for names in their documents


async def unknown_names(db: Db, asked: Filters) -> list[str]:
    """Return a sentence about each name in filters that no run has; none if there are no runs."""
    said = []
    if asked.strategy and not await queries.count_runs(
        db, limit=1, where=[sql.condition("strategy", asked.strategy)]
    ):
        known = await queries.strategy_names(db, prefix="", limit=MOST_STRATEGIES)
        said.append(f"there is no strategy {named_or_nearest(asked.strategy, known)}")
    said += [
        await _missing(db, subject)
        for subject in asked.subjects
        if subject.path
        and not await queries.document_has_place(
            db, path=subject.path, newest=NEWEST, document=subject.field
        )
    ]
    return said if said and await queries.count_runs(db, limit=1) else []


async def require_known_names(db: Db, asked: Filters) -> None:
    """Refuse filters with a name that no run has: by `not` or `or` they would mean other runs."""
    for sentence in await unknown_names(db, asked):
        raise UsageError(f"{sentence}; nothing changed")


def saying_unknown_names(
    use_case: Callable[[Connection], Awaitable[T]], asked: Filters, say: Callable[[str], None]
) -> Callable[[Connection], Awaitable[T]]:
    """Return a use case that first says which names no run has."""

    async def said_first(db: Connection) -> T:
        for sentence in await unknown_names(db, asked):
            say(sentence)
        return await use_case(db)

    return said_first


async def _missing(db: Db, subject: Subject) -> str:
    """Return a sentence about a name, with the nearest of those in its place."""
    document, path = subject
    for depth in reversed(range(len(path))):
        names = await queries.names_in_document(
            db, path=path[:depth], newest=NEWEST, document=document
        )
        if names:
            break
    known = [".".join((*path[:depth], name)) for name in names]
    what, prefix = "a parameter ", ""
    if document != PARAMETERS:
        what, prefix = "", f"{document}."
    elif depth == 0:
        known += [*RECORD_FIELDS, *ALIASES]
    named = named_or_nearest(prefix + ".".join(path), [prefix + name for name in known])
    is_small = await queries.count_runs(db, limit=NEWEST + 1) <= NEWEST
    who = "no run" if is_small else f"none of the newest {NEWEST:,} runs"
    return f"{who} has {what}{named}"
