"""What a run takes on disk, against the same rows in two plain tables."""

from collections.abc import AsyncIterator

import asyncpg

from tests.bench import population, store
from tests.bench.table import Row

BLOCK = 10_000
MEGABYTE = 1e6
TABLES = ("backtest_runs", "performance_metrics", "periods", "annotations", "shapes")
PLAIN_TABLES = ("plain_backtest_runs", "plain_performance_metrics", "plain_periods")
SIZE = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) AS name"
INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_relation_size(indexrelid) AS size
  FROM pg_index
 WHERE indrelid = ANY ($1::regclass[])
 ORDER BY size DESC
"""
PLAIN = """
CREATE TABLE plain_backtest_runs (LIKE backtest_runs);
CREATE TABLE plain_performance_metrics (LIKE performance_metrics);
CREATE TABLE plain_periods (LIKE periods);
ALTER TABLE plain_backtest_runs ADD PRIMARY KEY (run_id);
ALTER TABLE plain_performance_metrics ADD PRIMARY KEY (run_id);
ALTER TABLE plain_periods ADD PRIMARY KEY (run_id);
CREATE INDEX ON plain_backtest_runs (started_at);
CREATE INDEX ON plain_backtest_runs (strategy_name);
CREATE INDEX ON plain_backtest_runs (config_hash);
CREATE INDEX ON plain_performance_metrics (sharpe_ratio);
CREATE TABLE plain_annotations (LIKE annotations INCLUDING DEFAULTS);
ALTER TABLE plain_annotations ALTER annotated_at DROP NOT NULL, ALTER annotated_by DROP NOT NULL;
"""


async def sizes(db: asyncpg.Connection, runs: int) -> AsyncIterator[Row]:
    """Measure the store against two plain tables with basic indexes, per 10,000 runs."""
    size = await db.fetchval(SIZE, TABLES)
    plain = await _plain()
    ours, floor = size / runs * BLOCK / MEGABYTE, plain / MEGABYTE
    yield Row("disk of 10,000 runs, two plain tables", floor, "MB")
    yield Row("disk of 10,000 runs, all included", ours, "MB", 30, floor)
    for name, megabytes in await _parts(db, runs):
        yield Row(f"  of which {name}", megabytes, "MB")
    indexes = await db.fetch(INDEXES, TABLES)
    yield Row("indexes, primary keys among them", len(indexes), "")
    for index in indexes:
        yield Row(f"  {index['name']}", index["size"] / runs * BLOCK / MEGABYTE, "MB")


async def _plain() -> int:
    db = await asyncpg.connect(await store.scratch("plain"))
    await db.execute(PLAIN)
    await store.copy(db, population.chunk(0, BLOCK), prefix="plain_")
    size: int = await db.fetchval(SIZE, PLAIN_TABLES)
    await db.close()
    return size


async def _parts(db: asyncpg.Connection, runs: int) -> list[tuple[str, float]]:
    rows = await db.fetch(
        "SELECT relname, pg_table_size(oid) AS heap, pg_indexes_size(oid) AS indexes FROM pg_class"
        " WHERE relname = ANY ($1) ORDER BY relname",
        TABLES,
    )
    return [
        (f"{row['relname']}, {part}", row[key] / runs * BLOCK / MEGABYTE)
        for row in rows
        for part, key in (("rows", "heap"), ("indexes", "indexes"))
    ]
