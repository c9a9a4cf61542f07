"""Every .sql file prepares against the migrated schema and agrees with its function and model."""

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import psycopg
import pytest

from backtest_store import models
from backtest_store.store import queries, sql
from backtest_store.store.sql import folder

FUNCTIONS = {
    name: function
    for name, function in vars(queries).items()
    if inspect.iscoroutinefunction(function) and function.__module__ == queries.__name__
}
NAMED = sorted(path.stem for path in folder("sql").glob("*.sql"))
PYTHON_TYPE: dict[str, object] = {
    "bool": bool,
    "date": date,
    "float4[]": list,
    "float8": float,
    "float8[]": list,
    "int2[]": list,
    "int4": int,
    "int8": int,
    "jsonb": dict,
    "numeric": Decimal,
    "text": str,
    "text[]": list,
    "timestamptz": datetime,
    "uuid": UUID,
    "uuid[]": Sequence,
}


def plain(hint: object) -> set[object]:
    """Return the classes that a type hint allows, None aside."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return set().union(*(plain(arm) for arm in typing.get_args(hint)))
    if origin is typing.Literal:
        return {type(value) for value in typing.get_args(hint)}
    return {origin or hint} - {type(None)}


def hints_of(function: object) -> dict[str, object]:
    """Return a query function's type hints; what they name is imported for type checkers only."""
    names = dict.fromkeys(("Any", "Condition", "Db", "Key", "Query"), object) | {
        "Sequence": Sequence,
        "UUID": UUID,
        "date": date,
        "datetime": datetime,
    }
    return typing.get_type_hints(function, localns=names)


def row_model(function: object) -> type | None:
    hint = hints_of(function)["return"]
    found = [a for a in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(a)]
    return typing.cast("type", found[0]) if found else None


def header(name: str) -> tuple[str, list[str]]:
    """Return the sentence at the top of a query file, and the parameters it documents in order."""
    comments = [line[3:] for line in sql.text(name).splitlines() if line.startswith("-- ")]
    parameters = [re.match(r"\$(\d+) (\w+)", line) for line in comments]
    numbered = [match.groups() for match in parameters if match]
    assert [int(n) for n, _ in numbered] == list(range(1, len(numbered) + 1))
    return comments[0], [parameter for _, parameter in numbered]


def parameters_of(name: str) -> dict[str, object]:
    hints = hints_of(FUNCTIONS[name])
    return {k: v for k, v in hints.items() if k not in {"db", "return"}}


@pytest.mark.parametrize("name", NAMED)
def test_a_query_says_what_it_answers(name: str) -> None:
    sentence, _ = header(name)
    assert sentence[0].isupper()
    assert sentence.rstrip().endswith((".", "?"))


def test_every_function_has_its_file() -> None:
    assert FUNCTIONS.keys() <= set(NAMED)


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_parameters_agree(db: asyncpg.Connection, name: str) -> None:
    statement = await db.prepare(sql.text(name))
    _, documented = header(name)
    hints = parameters_of(name)
    assert documented == [p for p in hints if p in documented]
    for parameter, wanted in zip(documented, statement.get_parameters(), strict=True):
        accepted = {PYTHON_TYPE[wanted.name]} | ({str} if wanted.name == "jsonb" else set())
        accepted |= {Sequence} if wanted.name.endswith("[]") else set()
        assert plain(hints[parameter]) <= accepted, parameter


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_columns_agree(db: asyncpg.Connection, name: str) -> None:
    model = row_model(FUNCTIONS[name])
    if model is None:
        return
    statement = await db.prepare(sql.text(name))
    columns = {a.name: PYTHON_TYPE[a.type.name] for a in statement.get_attributes()}
    hints = typing.get_type_hints(model)
    required = {
        f.name
        for f in dataclasses.fields(model)
        if f.default is f.default_factory is dataclasses.MISSING
    }
    assert required <= columns.keys() <= hints.keys()
    for column, kind in columns.items():
        assert plain(hints[column]) == {kind}, column


def columns_of(url: str, query: str) -> Iterator[tuple[str, bool]]:
    """Yield each result column's name and whether the schema forbids NULL in it."""
    nullability = "SELECT attnotnull FROM pg_attribute WHERE attrelid = %s AND attnum = %s"
    with psycopg.connect(url) as connection:
        connection.pgconn.prepare(b"query", query.encode())
        described = connection.pgconn.describe_prepared(b"query")
        for i in range(described.nfields):
            origin = (described.ftable(i), described.ftablecol(i))
            found = connection.execute(nullability, origin).fetchone()
            name = described.fname(i)
            assert name is not None
            yield name.decode(), bool(found and found[0])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_column_that_may_be_null_is_an_optional_field(store_url: str, name: str) -> None:
    model = row_model(FUNCTIONS[name])
    if model is not models.Record:
        return
    hints = typing.get_type_hints(model)
    for column, not_null in columns_of(store_url, sql.text(name)):
        assert not_null or type(None) in typing.get_args(hints[column]), column


async def test_the_models_have_every_column(db: asyncpg.Connection) -> None:
    rows = await db.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_name IN ('backtest_runs', 'performance_metrics', 'periods', 'annotations')"
        " AND column_name NOT IN ('annotated_at', 'annotated_by')"
    )
    assert {row["column_name"] for row in rows} == set(models.RECORD_FIELDS)


async def test_every_column_has_a_comment(db: asyncpg.Connection) -> None:
    rows = await db.fetch(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid"
        " WHERE relname IN ('backtest_runs', 'performance_metrics', 'periods', 'annotations') AND attnum > 0"
        " AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"
    )
    assert not rows
