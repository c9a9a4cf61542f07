"""Load a named query from its .sql file, run it, and turn its rows into models.

A query file runs unchanged in psql. Where it has a marked place, `something /* name */`, the
loader can put something else there: other columns, another direction, the conditions in use. What
it puts there comes from these files and from the models, never from a user.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from backtest_store.fields import SQL_NAMES
from backtest_store.resources import folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from asyncpg import Connection

    M = TypeVar("M", bound=DataclassInstance)

WORDS = frozenset(SQL_NAMES.values()) | {"ASC", "DESC", "=", "<>", "<", "<=", ">", ">="}
STREAMED_ROWS = 500
Row = tuple[Any, ...]


class Db(Protocol):
    """What a query needs; asyncpg's connection and pool both have it."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Mapping[str, Any]]:
        """Run a query and return its rows."""
        ...


class Condition(NamedTuple):
    """A condition that a run must meet: SQL from `sql/filters/`, and its parameters' values."""

    text: str
    values: tuple[object, ...]


@dataclass(frozen=True)
class Query:
    """A query ready to run: its text and its parameters' values."""

    text: str
    values: tuple[object, ...] = ()

    def having(self, conditions: Sequence[Condition]) -> Query:
        """Return this query with conditions added in the place marked `filters`."""
        text, values = "true", self.values
        for condition in conditions:
            text += f"\n   AND ({renumbered(condition.text, len(values))})"
            values += condition.values
        return Query(filled(self.text, "filters", text), values)

    def worded(self, **words: str) -> Query:
        """Return this query with other words in the places of those names."""
        text = self.text
        for name, word in words.items():
            text = filled(text, name, checked(word))
        return Query(text, self.values)


@cache
def text(name: str) -> str:
    """Return the query in `sql/NAME.sql`."""
    return folder("sql").joinpath(f"{name}.sql").read_text("utf-8")


def query(name: str, *values: object) -> Query:
    """Return a named query with its parameters' values."""
    return Query(text(name), values)


def condition(name: str, *values: object, **words: str) -> Condition:
    """Return the condition in `sql/filters/NAME.sql`: what follows its WHERE."""
    worded = query(f"filters/{name}", *values).worded(**words)
    return Condition(worded.text.partition("WHERE ")[2].strip(), values)


def checked(words: str) -> str:
    """Return words that may stand in a query.

    Raises
    ------
    ValueError
        If one is neither a column of the models nor an operator.
    """
    unknown = set(words.split(", ")) - WORDS
    if unknown:
        raise ValueError(f"not for SQL: {unknown}")
    return words


def filled(text: str, name: str, words: str) -> str:
    """Put words in place of what stands before `/* name */`."""
    place = re.compile(rf"\S+ /\* {name} \*/")
    if not place.search(text):
        raise ValueError(f"no place for {name} in {text}")
    return place.sub(lambda _: words, text)


def renumbered(text: str, by: int) -> str:
    """Shift the numbers of a text's parameters."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", text)


async def fetch(db: Db, query: Query, model: type[M]) -> list[M]:
    """Run a query and return its rows as models."""
    return [_model(model, row) for row in await db.fetch(query.text, *query.values)]


async def many(db: Db, name: str, model: type[M], *args: object) -> list[M]:
    """Run a named query and return its rows as models."""
    return await fetch(db, query(name, *args), model)


async def maybe(db: Db, name: str, model: type[M], *args: object) -> M | None:
    """Run a named query that gives one row or none."""
    rows = await many(db, name, model, *args)
    return rows[0] if rows else None


async def single(db: Db, name: str, model: type[M], *args: object) -> M:
    """Run a named query that always gives one row."""
    (row,) = await many(db, name, model, *args)
    return row


async def column(db: Db, name: str, *args: object) -> list[Any]:
    """Run a named query of one column and return its values."""
    return [row[0] for row in await db.fetch(text(name), *args)]  # type: ignore[index]


def _model(model: type[M], row: Mapping[str, Any]) -> M:
    values = dict(row)
    for name in _json_fields(model) & values.keys():
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return model(**values)


@cache
def _json_fields(model: type[DataclassInstance]) -> frozenset[str]:
    """Return the fields that asyncpg delivers as JSON text."""
    return frozenset(f.name for f in fields(model) if "Json" in str(f.type))


async def stream(db: Connection, query: Query, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
    """Run a query through a server-side cursor and yield its rows as text, some at a time.

    Values come as PostgreSQL writes them, which costs a tenth of making Python's values of them;
    times come in ISO 8601, lists as lists. The next rows are on their way while some are used.
    """
    for type_, read in _AS_TEXT.items():
        await db.set_type_codec(
            type_, schema="pg_catalog", encoder=str, decoder=read, format="text"
        )
    async with db.transaction(readonly=True):
        statement = await db.prepare(query.text)
        places = {column.name: i for i, column in enumerate(statement.get_attributes())}
        in_order = itemgetter(*(places[name] for name in columns))
        cursor = await statement.cursor(*query.values)
        following = asyncio.ensure_future(cursor.fetch(STREAMED_ROWS))
        try:
            while rows := await following:
                following = asyncio.ensure_future(cursor.fetch(STREAMED_ROWS))
                await asyncio.sleep(0)  # lets it ask the server, which then works meanwhile
                yield [in_order(row) for row in rows]
        finally:
            await asyncio.wait([following])


def _iso(time: str) -> str:
    """Return a time as PostgreSQL writes it in UTC, in ISO 8601 as Python writes it."""
    return f"{time[:10]}T{time[11:]}:00"


_AS_TEXT: dict[str, Callable[[str], str]] = {
    "date": str,
    "float8": str,
    "int8": str,
    "numeric": str,
    "timestamptz": _iso,
    "uuid": str,
}
