"""Load a named query from its .sql file, run it, and turn its rows into models.

Two rules are all there is to the files:

- A file in `sql/` is a query that runs as it is. Where it has a place, `something /* name */`,
  other SQL can stand in for the something: `true /* filters */`, `r.started_at /* field */`.
- A file in `sql/filters/` is a condition, for such a place: `r` is the run, `m` its metrics, `p`
  its months, `a` what is said of it. Its parameters are numbered from $1 and renumbered where it
  comes to stand.

What comes to stand in a place is from these files and from the models, never from a user: what a
user typed is a parameter's value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar

from backtest_store.store.record_fields import DOWN, DOWN_AND_UNDEFINED, SQL_NAMES, UP

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from asyncpg import Connection

    M = TypeVar("M", bound=DataclassInstance)

OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
WORDS = {*SQL_NAMES.values(), *OPERATORS, UP, DOWN, DOWN_AND_UNDEFINED}
PLACE = re.compile(r"[^\s(),]+ /\* (\w+) \*/")
PARAMETER = re.compile(r"\$(\d+)")
BATCH = 250
_PACKAGE = Path(__file__).parents[1]


def folder(name: str) -> Path:
    """Return the folder `sql` or `migrations`: inside the wheel, or beside the package."""
    shipped = _PACKAGE / "share" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name


class Db(Protocol):
    """What a query needs; asyncpg's connection and pool both have it."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]:
        """Run a query and return its rows."""
        ...


class Condition(NamedTuple):
    """A condition on `r`, `m` and `a`, with the values of its parameters, which are from $1 on.

    `name` is the file in `sql/filters/` that it is from, or of another origin.
    """

    name: str
    text: str
    values: tuple[object, ...]


class Key(NamedTuple):
    """What runs are grouped by: SQL from `sql/keys/NAME.sql`, and its values."""

    name: str
    text: str
    values: tuple[object, ...]

    @property
    def is_json(self) -> bool:
        """Say whether its values are JSON."""
        return self.name == "document"


class Query(NamedTuple):
    """A query ready to run: its text and its parameters' values."""

    text: str
    values: tuple[object, ...] = ()

    def having(self, conditions: Sequence[Condition], place: str = "filters") -> Query:
        """Return this query with conditions added in the place marked so."""
        text, values = "true", self.values
        for condition in conditions:
            text += f"\n   AND ({renumbered(condition.text, len(values))})"
            values += condition.values
        return Query(filled(self.text, **{place: text}), values)

    def worded(self, **words: str) -> Query:
        """Return this query with other names and operators in the places marked so."""
        for word in words.values():
            check(word)
        return Query(filled(self.text, **words), self.values)

    def grouped(self, keys: Sequence[Key]) -> Query:
        """Return this query with keys in the places marked `keys` and `groups`."""
        texts, values = [], self.values
        for key in keys:
            texts.append(renumbered(key.text, len(values)))
            values += key.values
        numbers = ", ".join(map(str, range(1, len(keys) + 1)))
        return Query(filled(self.text, keys=", ".join(texts), groups=numbers), values)

    def listing(self, fields: Sequence[str], names: Mapping[str, str] = SQL_NAMES) -> Query:
        """Return this query with the fields of a record as its columns."""
        cells = ", ".join(f"{names[field]} AS {field}" for field in fields)
        return Query(filled(self.text, fields=cells), self.values)


@cache
def text(name: str) -> str:
    """Return the text of `sql/NAME.sql`."""
    return folder("sql").joinpath(f"{name}.sql").read_text("utf-8")


def query(name: str, *values: object) -> Query:
    """Return a named query, without its comments, and its parameters' values."""
    lines = text(name).splitlines()
    return Query("\n".join(line for line in lines if not line.startswith("--")), values)


def condition(name: str, *values: object, **words: str) -> Condition:
    """Return the condition in `sql/filters/NAME.sql`."""
    return Condition(name, query(f"filters/{name}").worded(**words).text, values)


def key(name: str, *values: object, **words: str) -> Key:
    """Return the key in `sql/keys/NAME.sql`."""
    return Key(name, query(f"keys/{name}").worded(**words).text, values)


def either(first: Condition, second: Condition) -> Condition:
    """Return the condition that at least one of two is met."""
    other = renumbered(second.text, len(first.values))
    return Condition(first.name, f"({first.text}) OR ({other})", first.values + second.values)


def joined(name: str, word: Literal["AND", "OR"], conditions: Sequence[Condition]) -> Condition:
    """Return the condition that all of several are met, or one."""
    texts: list[str] = []
    values: tuple[object, ...] = ()
    for each in conditions:
        texts.append(f"({renumbered(each.text, len(values))})")
        values += each.values
    return Condition(name, f" {word} ".join(texts), values)


def negated(condition: Condition) -> Condition:
    """Return the condition that another is not met, be it for what a run does not have."""
    return condition._replace(text=f"({condition.text}) IS NOT TRUE")


def check(word: str) -> None:
    """Make sure that a word may stand in a query.

    Raises
    ------
    ValueError
        If it is neither a column of the models nor an operator.
    """
    if word not in WORDS:
        raise ValueError(f"not for SQL: {word!r}")


def filled(text: str, **places: str) -> str:
    """Put words in place of what stands before `/* name */`.

    Raises
    ------
    ValueError
        If there is no such place.
    """
    missing = places.keys() - PLACE.findall(text)
    if missing:
        raise ValueError(f"no place for {missing} in {text}")
    return PLACE.sub(lambda found: places.get(found[1], found[0]), text)


def renumbered(text: str, by: int) -> str:
    """Shift the numbers of a text's parameters."""
    return PARAMETER.sub(lambda found: f"${int(found[1]) + by}", text)


async def fetch(db: Db, query: Query, model: type[M]) -> list[M]:
    """Run a query and return its rows as models."""
    return [_model(model, row) for row in await db.fetch(query.text, *query.values)]


async def many(db: Db, name: str, model: type[M], *args: object) -> list[M]:
    """Run a named query and return its rows as models."""
    return await fetch(db, query(name, *args), model)


async def single(db: Db, name: str, model: type[M], *args: object) -> M:
    """Run a named query that always gives one row."""
    (row,) = await many(db, name, model, *args)
    return row


async def column(db: Db, name: str, *args: object) -> list[Any]:
    """Run a named query of one column and return its values."""
    return await first_column(db, query(name, *args))


async def first_column(db: Db, query: Query) -> list[Any]:
    """Run a query and return what is in its first column."""
    return [row[0] for row in await db.fetch(query.text, *query.values)]


def _model(model: type[M], row: Mapping[str, Any]) -> M:
    values = dict(row)
    for name, read in _readers(model).items():
        if values.get(name) is not None:
            values[name] = read(values[name])
    return model(**values)


def possible(value: Any) -> Any:
    """Return a value, or None for a number that is there past the checks and means nothing."""
    if isinstance(value, float) and not value > -math.inf:
        return None
    if isinstance(value, datetime) and value.tzinfo is None:  # asyncpg's of an infinite time
        return value.replace(tzinfo=UTC)
    return None if isinstance(value, Decimal) and not value.is_finite() else value


def _object(value: str | None) -> Any:
    """Return what JSON says; what is no object, which no check lets in, as the part of one."""
    found = None if value is None else json.loads(value)
    return found if found is None or isinstance(found, dict) else {"": found}


# What may come as asyncpg has it from a column of most types, and what may not: as PostgreSQL calls
# the types, and as the models do.
READERS = dict.fromkeys(("float4", "float8", "numeric", "timestamptz"), possible) | {
    "jsonb": _object
}
MODEL_READERS = dict.fromkeys(("float", "Decimal", "datetime"), possible) | {"Json": _object}


@cache
def _readers(model: type[DataclassInstance]) -> dict[str, Callable[[Any], Any]]:
    """Return what reads the fields that may not come as asyncpg delivers them."""
    types = {f.name: str(f.type).removesuffix(" | None") for f in fields(model)}
    return {name: MODEL_READERS[type_] for name, type_ in types.items() if type_ in MODEL_READERS}


async def batches(db: Connection, query: Query) -> AsyncIterator[list[list[Any]]]:
    """Run a query and yield its rows as values, some at a time, in constant memory."""
    from backtest_store.store.connecting.out_of_range_times import read_any_time

    await read_any_time(db)  # as there is no reading again from the middle of a stream
    transaction = db.transaction()  # not `async with`: who leaves early ends the connection, too
    await transaction.start()
    statement = await db.prepare(query.text)
    types = [column.type.name for column in statement.get_attributes()]
    readers = [(place, READERS[name]) for place, name in enumerate(types) if name in READERS]
    cursor = await statement.cursor(*query.values)
    while records := await cursor.fetch(BATCH):
        rows = [[*record] for record in records]
        for place, read in readers:
            for row in rows:
                if row[place] is not None:
                    row[place] = read(row[place])
        yield rows
    await transaction.commit()


async def copy_json(db: Connection, query: Query, write: Callable[[str], object]) -> int:
    """Run a query whose rows are JSON, and return how many there were.

    Whole lines, one a row, some at a time, go to `write`, as PostgreSQL writes them.
    """

    async def sink(rows: bytes) -> None:
        write(rows.decode())

    # CSV quotes what has its own characters in it, and these are never in JSON.
    done = await db.copy_from_query(
        query.text, *query.values, output=sink, format="csv", delimiter="\x01", quote="\x02"
    )
    return int(done.removeprefix("COPY "))
