"""One function a file in `sql/`, of the same name, its parameters in $n order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store import sql
from backtest_store.fields import LISTED_METRICS, LISTED_RUN, SQL_NAMES, direction
from backtest_store.models import FoundRun, Record, StoreSize

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from backtest_store.sql import Condition, Db, Query


async def insert_run(db: Db, *, record: str) -> list[UUID]:
    """Store one run and return its id, or nothing if it is stored already."""
    return await sql.column(db, "insert_run", record)


async def list_runs(
    db: Db,
    *,
    limit: int | None,
    where: Sequence[Condition] = (),
    order_by: str = "started_at",
) -> list[Record]:
    """List runs with their metrics, newest first unless ranked by another field."""
    return await sql.fetch(db, listed_runs(limit, where, order_by), Record)


def listed_runs(limit: int | None, where: Sequence[Condition], order_by: str) -> Query:
    """Return `list_runs`, with the columns that a list has, the conditions and the order."""
    return (
        sql.query("list_runs", limit)
        .having(where)
        .worded(
            metrics=LISTED_METRICS,
            run=LISTED_RUN,
            field=SQL_NAMES[order_by],
            direction=direction(order_by),
        )
    )


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
    """Find the id of the best run by a metric; none if no run has the metric."""
    query = sql.query("best_run").worded(field=SQL_NAMES[metric], direction=direction(metric))
    return [row["run_id"] for row in await db.fetch(query.text)]


async def applied_migrations(db: Db) -> list[str]:
    """List the migrations that this database has."""
    return await sql.column(db, "applied_migrations")


async def describe_store(db: Db) -> StoreSize:
    """Count what the store holds and measure what it takes."""
    return await sql.single(db, "describe_store", StoreSize)
