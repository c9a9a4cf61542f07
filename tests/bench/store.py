"""The stores that are measured: built once, kept in `.bench/` until the schema or they change."""

import asyncio
import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from backtest_store.database import migrations
from backtest_store.database.embedded import EmbeddedServer
from backtest_store.resources import folder
from tests.bench import population
from tests.bench.population import CHUNK, METRIC_COLUMNS, RUN_COLUMNS, SORT_METRICS, Chunk

if TYPE_CHECKING:
    from concurrent.futures import Future

HOME = Path(__file__).parents[2] / ".bench" / "home"
GENERATORS = 2
AHEAD = 6


def server_url() -> str:
    """Start the server of the measurements and return its URL."""
    return EmbeddedServer(HOME).start()


def url_of(database: str) -> str:
    """Return the URL of one database on the server."""
    return urlsplit(server_url())._replace(path=f"/{database}").geturl()


async def ready(runs: int) -> str:
    """Return the URL of a store with so many runs, built unless it is there."""
    database = f"runs_{runs}_{_version()}"
    server = await asyncpg.connect(server_url())
    if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
        await server.execute(f'DROP DATABASE IF EXISTS "{database}_unfinished"')
        await server.execute(f'CREATE DATABASE "{database}_unfinished"')
        await _build(url_of(f"{database}_unfinished"), runs)
        await server.execute(f'ALTER DATABASE "{database}_unfinished" RENAME TO "{database}"')
    await server.close()
    return url_of(database)


async def _build(url: str, runs: int) -> None:
    await asyncio.to_thread(migrations.migrate, url)
    store = await asyncpg.connect(url)
    await fill(store, runs)
    await store.close()


async def fill(store: asyncpg.Connection, runs: int) -> None:
    """Copy so many runs into a migrated, empty store, and let it settle."""
    copied = await _copied(store)
    chunks = range(-(-runs // CHUNK))
    with ProcessPoolExecutor(GENERATORS) as pool:
        waiting: list[Future[Chunk]] = []
        for number in chunks:
            waiting.append(pool.submit(population.chunk, number, runs, copied))
            if len(waiting) == AHEAD:
                await copy(store, await asyncio.wrap_future(waiting.pop(0)), copied)
        for future in waiting:
            await copy(store, await asyncio.wrap_future(future), copied)
    await store.execute("VACUUM ANALYZE backtest_runs, performance_metrics")


async def copy(store: asyncpg.Connection, rows: Chunk, copied: tuple[str, ...]) -> None:
    """Copy one chunk into both tables, all of it or nothing."""
    async with store.transaction():
        await _copy(store, "backtest_runs", (*RUN_COLUMNS, *copied), rows.runs)
        await _copy(store, "performance_metrics", tuple(METRIC_COLUMNS), rows.metrics)


async def _copy(
    store: asyncpg.Connection, table: str, columns: tuple[str, ...], text: bytes
) -> None:
    async def source() -> "AsyncIterator[bytes]":
        yield text

    await store.copy_to_table(table, source=source(), columns=columns)


async def _copied(store: asyncpg.Connection) -> tuple[str, ...]:
    """Return the metrics that the schema keeps beside the runs as well."""
    rows = await store.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'backtest_runs'::regclass"
        " AND NOT attisdropped AND attnum > 0 AND attname = ANY ($1)",
        list(SORT_METRICS),
    )
    return tuple(row["attname"] for row in rows)


def _version() -> str:
    """Return a digest of what the data and its schema depend on."""
    here = Path(__file__).parent
    files = [here / f"{name}.py" for name in ("market", "documents", "population")]
    files += sorted(folder("migrations").glob("*.sql"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
