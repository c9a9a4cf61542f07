"""The stores that are measured: built once, kept in `.bench/` until schema or data change."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from backtest_store.store import migrations
from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.embedded.server import EmbeddedServer
from backtest_store.store.shipped import folder
from tests.bench import population
from tests.bench.population import CHUNK, METRIC_COLUMNS, RUN_COLUMNS, SORT_METRICS, Chunk

HOME = Path(__file__).parents[2] / ".bench" / "home"
GENERATORS = 2
AHEAD = 6
SAMPLE = 100


def server_url() -> str:
    """Start the server of the measurements and return its URL."""
    return EmbeddedServer(HOME).start()


def url_of(database: str) -> str:
    """Return the URL of one database on the server."""
    return urlsplit(server_url())._replace(path=f"/{database}").geturl()


def binary(name: str) -> Path:
    """Return a program that comes with the server."""
    return find_binaries(None, None).directory / name


async def scratch(name: str) -> str:
    """Return the URL of a fresh, migrated, empty store."""
    server = await asyncpg.connect(server_url())
    await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await server.execute(f'CREATE DATABASE "{name}"')
    await server.close()
    await asyncio.to_thread(migrations.migrate, url_of(name))
    return url_of(name)


async def ready(runs: int) -> str:
    """Return the URL of a store with so many runs, built unless it is there."""
    database = f"runs_{runs}_{_version()}"
    server = await asyncpg.connect(server_url())
    if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
        await _drop_outdated(server, runs)
        await server.execute(f'CREATE DATABASE "{database}_unfinished"')
        await _build(url_of(f"{database}_unfinished"), runs)
        await server.execute(f'ALTER DATABASE "{database}_unfinished" RENAME TO "{database}"')
    await server.close()
    return url_of(database)


async def _drop_outdated(server: asyncpg.Connection, runs: int) -> None:
    """Drop the stores of that size that were built for another schema or of other runs."""
    query = "SELECT datname FROM pg_database WHERE datname ^@ $1"
    for row in await server.fetch(query, f"runs_{runs}_"):
        await server.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')


async def _build(url: str, runs: int) -> None:
    await asyncio.to_thread(migrations.migrate, url)
    store = await asyncpg.connect(url)
    await fill(store, runs)
    await store.close()


async def fill(store: asyncpg.Connection, runs: int) -> None:
    """Copy so many runs into a migrated, empty store, and let it settle."""
    copied = await copied_metrics(store)
    chunks = range(-(-runs // CHUNK))
    with ProcessPoolExecutor(GENERATORS) as pool:
        waiting: list[Future[Chunk]] = []
        for number in chunks:
            waiting.append(pool.submit(population.chunk, number, runs, copied))
            if len(waiting) == AHEAD:
                await copy(store, await asyncio.wrap_future(waiting.pop(0)), copied)
        for future in waiting:
            await copy(store, await asyncio.wrap_future(future), copied)
    await store.execute("VACUUM ANALYZE")


async def copy(
    store: asyncpg.Connection,
    rows: Chunk,
    copied: tuple[str, ...],
    tables: tuple[str, str] = ("backtest_runs", "performance_metrics"),
) -> None:
    """Copy one chunk into both tables, all of it or nothing."""
    async with store.transaction():
        await _copy(store, tables[0], (*RUN_COLUMNS, *copied), rows.runs)
        await _copy(store, tables[1], tuple(METRIC_COLUMNS), rows.metrics)


async def _copy(
    store: asyncpg.Connection, table: str, columns: tuple[str, ...], text: bytes
) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield text

    await store.copy_to_table(table, source=source(), columns=columns)


async def copied_metrics(store: asyncpg.Connection) -> tuple[str, ...]:
    """Return the metrics that the schema keeps beside the runs as well."""
    rows = await store.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'backtest_runs'::regclass"
        " AND NOT attisdropped AND attnum > 0 AND attname = ANY ($1)",
        list(SORT_METRICS),
    )
    return tuple(row["attname"] for row in rows)


def _version() -> str:
    """Return a digest of what the stores are made of: the schema, and the runs."""
    files = sorted(folder("migrations").glob("*.sql"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    schema = "\n".join(line for line in lines if line and not line.startswith("--"))
    sample = population.chunk(0, SAMPLE, ())
    return hashlib.sha256(schema.encode() + sample.runs + sample.metrics).hexdigest()[:8]
