"""One function a file in `sql/`, of the same name, its parameters in $n order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.models import (
    METRIC_FIELDS,
    RUN_FIELDS,
    Annotated,
    FoundRun,
    InputValue,
    NewestRun,
    OtherPeriod,
    Period,
    Record,
    StoreSize,
    Strategy,
    TrialCount,
)
from backtest_store.store import sql
from backtest_store.store.fields import LISTED, SQL_NAMES, UNINDEXED_NAMES, direction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from backtest_store.store.sql import Condition, Db, Query


async def insert_run(db: Db, *, record: str) -> list[UUID]:
    """Store one run and return its id, or nothing if it is stored already."""
    return await sql.column(db, "insert_run", record)


async def list_runs(
    db: Db,
    *,
    limit: int | None,
    where: Sequence[Condition] = (),
    order_by: str = "started_at",
    walk: Query | None = None,
) -> list[Record]:
    """List runs with their metrics, newest first unless ranked by another field.

    Parameters
    ----------
    walk : Query, optional
        The runs to choose from, found by walking an index. Without it no index is walked for the
        order: all runs that meet the conditions are found, and then put in order.
    """
    chosen = _first_runs(limit, where, order_by, walk) if where or walk is None else walk
    return await sql.fetch(db, listed_runs(limit, (), order_by, among=chosen), Record)


def _first_runs(
    limit: int | None, where: Sequence[Condition], order_by: str, walk: Query | None
) -> Query:
    """Return the query for the runs alone: their metrics are joined to few."""
    names = UNINDEXED_NAMES if walk is None else SQL_NAMES
    query = sql.query(sql.with_metrics("runs/sorted", where, names[order_by]), limit)
    among = query if walk is None else query.around(walk, "runs")
    return among.having(where).worded(field=names[order_by], direction=direction(order_by))


def listed_runs(
    limit: int | None,
    where: Sequence[Condition],
    order_by: str,
    fields: Sequence[str] = LISTED,
    *,
    among: Query | None = None,
) -> Query:
    """Return `list_runs` with the fields, the conditions and the order that are asked for."""
    query = sql.query("list_runs", limit)
    return (
        (query if among is None else query.around(among, "runs"))
        .having(where)
        .worded(field=SQL_NAMES[order_by], direction=direction(order_by))
        .selecting(
            run=[sql.cell(name) for name in fields if name in RUN_FIELDS],
            metrics=[sql.cell(name) for name in fields if name in METRIC_FIELDS],
        )
    )


def runs_as_json(
    where: Sequence[Condition], order_by: str, fields: Sequence[str] = LISTED
) -> Query:
    """Return `list_runs` with one JSON object a row."""
    return listed_runs(None, where, order_by, fields).within("runs_as_json", "runs")


def all_runs(where: Sequence[Condition], order_by: str) -> Query:
    """Return `list_runs` without a limit."""
    return listed_runs(None, where, order_by)


async def strategies(db: Db, *, where: Sequence[Condition] = ()) -> list[Strategy]:
    """Sum up each strategy: how often it ran and failed, how well it did, when it ran last."""
    query = sql.query("strategies").around(sql.runs(where), "runs")
    return await sql.fetch(db, query, Strategy)


async def trend(db: Db, *, period: str, where: Sequence[Condition] = ()) -> list[Period]:
    """Sum up runs period by period: how many, and how well the best, median and worst did."""
    query = sql.query("trend", period).around(sql.runs(where), "runs")
    return await sql.fetch(db, query, Period)


async def strategy_names(db: Db, *, prefix: str, limit: int) -> list[str]:
    """List the names of strategies that begin so."""
    return await sql.column(db, "strategy_names", prefix, limit)


async def parameter_names(db: Db, *, newest: int) -> list[str]:
    """List the names of the parameters that the newest runs have."""
    return await sql.column(db, "parameter_names", newest)


async def newest_runs(db: Db, *, low: UUID, high: UUID, limit: int) -> list[NewestRun]:
    """List the newest runs among those whose ids lie in a range."""
    return await sql.many(db, "newest_runs", NewestRun, low, high, limit)


async def insert_runs(db: Db, *, records: Sequence[str]) -> list[UUID]:
    """Store runs, and return the ids of those that were not stored yet."""
    return await sql.column(db, "insert_runs", records)


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


async def annotations_of(db: Db, *, run_ids: Sequence[UUID]) -> list[Annotated]:
    """Read what is said of runs, when that was changed last, and by whom."""
    return await sql.many(db, "annotations_of", Annotated, run_ids)


async def get_runs(db: Db, *, run_ids: Sequence[UUID]) -> list[Record]:
    """Fetch whole runs by id, in the order in which the ids are given."""
    return await sql.many(db, "get_runs", Record, run_ids)


async def find_runs(
    db: Db, *, lows: Sequence[UUID], highs: Sequence[UUID], limit: int
) -> list[FoundRun]:
    """Find the runs whose ids lie in ranges."""
    return await sql.many(db, "find_runs", FoundRun, lows, highs, limit)


async def latest_run(db: Db, *, newer: int) -> list[UUID]:
    """Find the id of the newest run, or of the one that so many are newer than."""
    return await sql.column(db, "latest_run", newer)


async def best_run(db: Db, *, metric: str) -> list[UUID]:
    """Find the id of the best run by a metric; none if no successful run has it."""
    query = sql.query("best_run").worded(field=SQL_NAMES[metric], direction=direction(metric))
    return [row["run_id"] for row in await db.fetch(query.text)]


async def trials(  # noqa: PLR0913 - each is a parameter of the query
    db: Db,
    *,
    strategy_name: str | None,
    instrument_ids: Sequence[str] | None,
    start_date: datetime | None,
    end_date: datetime | None,
    batch_id: UUID | None,
) -> TrialCount:
    """Count the trials of a scope, and measure how far apart their Sharpe ratios lie."""
    scope = strategy_name, instrument_ids, start_date, end_date, batch_id
    return await sql.single(db, "trials", TrialCount, *scope)


async def inputs(
    db: Db,
    *,
    first: Sequence[str],
    second: Sequence[str] | None,
    metric: str,
    where: Sequence[Condition] = (),
) -> list[InputValue]:
    """List what one or two inputs of runs were, beside a metric."""
    query = sql.query("inputs", first, second).around(sql.runs(where), "runs")
    return await sql.fetch(db, query.worded(field=SQL_NAMES[metric]), InputValue)


async def months(db: Db, *, limit: int, where: Sequence[Condition] = ()) -> list[Record]:
    """List the months of successful originals, the newest run first; other fields are left out."""
    query = sql.query("months", limit).around(sql.runs(where), "runs")
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
    but: UUID | None,
) -> list[FoundRun]:
    """Find the newest successful run of each configuration, by the same code and engine."""
    return await sql.many(
        db, "same_identity", FoundRun, config_hashes, code_hashes, engine_versions, but
    )
