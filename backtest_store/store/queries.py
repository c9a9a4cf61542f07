"""One function a file in `sql/`, of the same name, its parameters in $n order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backtest_store.models import (
    DEFAULTS,
    RECORD_FIELDS,
    FoundRun,
    InputValue,
    MonthsOfRun,
    OtherPeriod,
    Record,
    StoreSize,
    TrialCount,
)
from backtest_store.store import sql
from backtest_store.store.record_fields import LISTED, SHORTEST, SQL_NAMES, direction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from backtest_store.store.sql import Condition, Db, Key, Query

IN_INDEX_OF_FILTERS = frozenset(
    {
        "batch",
        "instrument",
        "parameter_equals",
        "parameter_matches",
        "same_batch",
        "same_data",
        "type",
    }
)


async def insert_run(db: Db, *, record: str, defaults: str = DEFAULTS) -> list[UUID]:
    """Store one run and return its id, or nothing if it is stored already."""
    return await sql.column(db, "insert_run", record, defaults)


async def ranked_ids_near_top(  # noqa: PLR0913 - each is a parameter or a place of the query
    db: Db,
    *,
    limit: int,
    within: int,
    start: Sequence[Condition],
    where: Sequence[Condition],
    order_by: str,
) -> list[UUID]:
    """Find the first runs of an order that meet conditions, among so many after the start."""
    query = sql.query("ranked_ids_near_top", limit, within).having(start, "start").having(where)
    return await sql.first_column(db, _ordered(query, order_by))


async def ranked_ids_of_all(
    db: Db, *, limit: int | None, where: Sequence[Condition], order_by: str
) -> list[UUID]:
    """Find all runs that meet conditions, and return the first of an order, or all."""
    query = sql.query("ranked_ids_of_all", limit).having(_findable(where))
    return await sql.first_column(db, _ordered(query, order_by))


async def ids_by_metric(
    db: Db, *, limit: int | None, where: Sequence[Condition], order_by: str
) -> list[UUID]:
    """Find all runs that meet conditions, and return the first by a metric that no index has."""
    query = sql.query("ids_by_metric", limit).having(_findable(where))
    return await sql.first_column(db, _ordered(query, order_by))


async def ids_by_metric_near_top(
    db: Db, *, limit: int, within: int, where: Sequence[Condition], order_by: str
) -> list[UUID]:
    """Find the first runs by a metric that no index has, among so many that are best by it."""
    query = sql.query("ids_by_metric_near_top", limit, within).having(where)
    return await sql.first_column(db, _ordered(query, order_by))


def _findable(where: Sequence[Condition]) -> Sequence[Condition]:
    """Return conditions as the index that serves them has them.

    A strategy has indexes of its own; beside what these have not, it is found in that of filters.
    """
    if {each.name for each in where} & IN_INDEX_OF_FILTERS:
        return where
    return [
        sql.condition("strategy_in_order", *each.values) if each.name == "strategy" else each
        for each in where
    ]


def _ordered(query: Query, order_by: str) -> Query:
    return query.worded(field=SQL_NAMES[order_by], direction=direction(order_by))


def list_runs(where: Sequence[Condition], order_by: str, fields: Sequence[str] = LISTED) -> Query:
    """Return the query for fields of all runs that meet conditions, in an order."""
    return _ordered(sql.query("list_runs").having(_findable(where)), order_by).listing(fields)


def export_runs(where: Sequence[Condition]) -> Query:
    """Return the query for all of all runs that meet conditions, one JSON object a row."""
    return sql.query("export_runs").having(_findable(where)).listing(RECORD_FIELDS)


async def count_runs(db: Db, *, limit: int, where: Sequence[Condition] = ()) -> int:
    """Count the runs that meet conditions, at most so many."""
    query = sql.query("count_runs", limit).having(_findable(where))
    ((found,),) = await db.fetch(query.text, *query.values)
    return int(found)


async def over_months(  # noqa: PLR0913 - each is a parameter of the query
    db: Db, *, first: date, until: date, by: str, limit: int, where: Sequence[Condition] = ()
) -> list[MonthsOfRun]:
    """Recompute what runs did over some whole months that they cover, the best first."""
    query = sql.query("over_months", first, until, by, limit).having(_findable(where))
    return await sql.fetch(db, query, MonthsOfRun)


async def summary(
    db: Db, *, keys: Sequence[Key], metric: str, where: Sequence[Condition] = ()
) -> Sequence[Any]:
    """Sum up groups of runs: how many there are and failed, and the metric of each successful."""
    query = sql.query("summary").grouped(keys).having(_findable(where))
    query = query.worded(field=SQL_NAMES[metric])
    return await db.fetch(query.text, *query.values)


async def currencies(db: Db, *, field: str, where: Sequence[Condition] = ()) -> list[str]:
    """List the currencies that an amount of the runs that meet conditions is in."""
    query = sql.query("currencies").having(_findable(where)).worded(field=SQL_NAMES[field])
    return await sql.first_column(db, query)


async def strategy_names(db: Db, *, prefix: str, limit: int) -> list[str]:
    """List the names of strategies that begin so."""
    return await sql.column(db, "strategy_names", prefix, limit)


async def names_in_document(
    db: Db, *, path: Sequence[str], newest: int, document: str = "parameters"
) -> list[str]:
    """List the names that the newest runs have in a place of a document."""
    query = sql.query("names_in_document", path, newest).worded(field=SQL_NAMES[document])
    return await sql.first_column(db, query)


async def document_has_place(db: Db, *, path: Sequence[str], newest: int, document: str) -> bool:
    """Return whether one of the newest runs has a place of a document."""
    query = sql.query("document_has_place", path, newest).worded(field=SQL_NAMES[document])
    return bool((await sql.first_column(db, query))[0])


async def insert_runs(db: Db, *, records: Sequence[str], defaults: str = DEFAULTS) -> list[UUID]:
    """Store runs, and return the ids of those that were not stored yet."""
    return await sql.column(db, "insert_runs", records, defaults)


async def delete_runs(db: Db, *, run_ids: Sequence[UUID]) -> list[UUID]:
    """Delete runs with their metrics, and return the ids of those that were there."""
    return await sql.column(db, "delete_runs", run_ids)


async def annotate_runs(  # noqa: PLR0913 - each is a parameter of the query
    db: Db,
    *,
    run_ids: Sequence[UUID],
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    note: str | None = None,
    starred: bool | None = None,
    name: str | None = None,
) -> list[UUID]:
    """Change what is said of runs, and return the ids of those that are there."""
    changes = add, remove, note, starred, name
    return await sql.column(db, "annotate_runs", run_ids, *changes)


async def get_runs(
    db: Db, *, run_ids: Sequence[UUID], fields: Sequence[str] = RECORD_FIELDS
) -> list[Record]:
    """Fetch runs by id, in the order of the ids; other fields are left out."""
    query = sql.query("get_runs", run_ids).listing(fields, SQL_NAMES | SHORTEST)
    return await sql.fetch(db, query, Record)


async def ids_by_prefix(
    db: Db, *, lows: Sequence[UUID], highs: Sequence[UUID], limit: int
) -> list[FoundRun]:
    """Find the runs whose ids begin so, given as ranges."""
    return await sql.many(db, "ids_by_prefix", FoundRun, lows, highs, limit)


async def trials(  # noqa: PLR0913 - each is a parameter of the query
    db: Db,
    *,
    strategy_name: str | None,
    instrument_ids: Sequence[str] | None,
    start_date: datetime | None,
    end_date: datetime | None,
    batch_id: UUID | None,
    newest: int,
) -> TrialCount:
    """Count the trials of a scope, and measure how far apart their Sharpe ratios lie."""
    scope = strategy_name, instrument_ids, start_date, end_date, batch_id
    return await sql.single(db, "trials", TrialCount, *scope, newest)


async def inputs(
    db: Db,
    *,
    first: Sequence[str],
    second: Sequence[str] | None,
    metric: str,
    where: Sequence[Condition] = (),
) -> list[InputValue]:
    """List what one or two inputs of runs were, beside a metric."""
    query = sql.query("inputs", first, second).having(_findable(where))
    return await sql.fetch(db, query.worded(field=SQL_NAMES[metric]), InputValue)


async def months(db: Db, *, limit: int, where: Sequence[Condition] = ()) -> list[Record]:
    """List the months of successful originals, the newest run first; other fields are left out."""
    query = sql.query("months", limit).having(_findable(where))
    return await sql.fetch(db, query, Record)


async def other_periods(db: Db, *, run_ids: Sequence[UUID]) -> list[OtherPeriod]:
    """Find how runs did with the same parameters on the same instruments at another time."""
    return await sql.many(db, "other_periods", OtherPeriod, run_ids)


async def applied_migrations(db: Db) -> list[str]:
    """List the migrations that this database has."""
    return await sql.column(db, "applied_migrations")


async def describe_store(db: Db) -> StoreSize:
    """Count what the store holds and measure what it takes."""
    return await sql.single(db, "describe_store", StoreSize)


async def same_identity(
    db: Db,
    *,
    config_hashes: list[str | None],
    code_hashes: list[str | None],
    engine_versions: list[str | None],
    excluded: UUID | None,
) -> list[FoundRun]:
    """Find the newest successful run of each configuration, by the same code and engine."""
    return await sql.many(
        db, "same_identity", FoundRun, config_hashes, code_hashes, engine_versions, excluded
    )
