"""What a run takes on disk, against the same rows in two plain tables."""

from collections.abc import AsyncIterator

import asyncpg

from tests.bench import population, store
from tests.bench.table import Row

BLOCK = 10_000
MEGABYTE = 1e6
TABLES = ("backtest_runs", "performance_metrics", "annotations")
PLAIN_TABLES = ("plain_runs", "plain_metrics")
SIZE = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) AS name"
PLAIN = """
CREATE TABLE plain_runs (LIKE backtest_runs);
CREATE TABLE plain_metrics (LIKE performance_metrics);
ALTER TABLE plain_runs ADD PRIMARY KEY (run_id);
ALTER TABLE plain_metrics ADD PRIMARY KEY (run_id);
CREATE INDEX ON plain_runs (started_at);
CREATE INDEX ON plain_runs (strategy_name);
CREATE INDEX ON plain_runs (config_hash);
CREATE INDEX ON plain_metrics (sharpe_ratio);
"""


async def sizes(db: asyncpg.Connection, runs: int) -> AsyncIterator[Row]:
    """Measure the store against two plain tables with basic indexes, per 10,000 runs."""
    size = await db.fetchval(SIZE, TABLES)
    plain = await _plain()
    ours, floor = size / runs * BLOCK / MEGABYTE, plain / MEGABYTE
    yield Row("disk of 10,000 runs, two plain tables", floor, "MB")
    yield Row("disk of 10,000 runs, all included", ours, "MB", 15)
    # The bar was set where the same plain tables take 10.2 MB.
    yield Row("disk, against two plain tables", ours, "MB", 1.47, floor, of_ratio=True)
    for name, megabytes in await _parts(db, runs):
        yield Row(f"  of which {name}", megabytes, "MB")


async def _plain() -> int:
    db = await asyncpg.connect(await store.scratch("plain"))
    await db.execute(PLAIN)
    rows = population.chunk(0, BLOCK, ())
    await store.copy(db, rows, (), tables=("plain_runs", "plain_metrics"))
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
