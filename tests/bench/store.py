"""The stores that are measured: built once, kept in `.bench/` until schema or data change."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from backtest_store.store import migrations
from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.embedded.server import EmbeddedServer
from backtest_store.store.sql import folder
from tests.bench import population, real_runs
from tests.bench.population import CHUNK, Chunk

HOME = Path(__file__).parents[2] / ".bench" / "home"
GENERATORS = 2
AHEAD = 6
SAMPLE = 100
# Made after the rows are there: a million rows are then there in a third of the time.
INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index AS i
 WHERE i.indrelid = ANY (ARRAY['backtest_runs', 'performance_metrics', 'periods', 'annotations']::regclass[])
   AND NOT i.indisprimary
"""
PACKING = ("backtest_runs", "performance_metrics")
CHECKED = (*PACKING, "periods")


def how_made() -> str:
    """Say how the stores were made, and where they are kept."""
    real = ", ".join(str(len(each)) for each in real_runs.real_runs())
    return (
        f"real runs of the demo's three strategies in grids ({real}), saved by `btstore run`; each"
        f" varied by tests/bench/population.py, copied in, and indexed afterwards; kept in {HOME}"
    )


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
    await _make_real_runs()

    async def build(store: asyncpg.Connection) -> None:
        await fill(store, runs)

    return await built(f"runs_{runs}", build)


async def built(name: str, build: Callable[[asyncpg.Connection], Awaitable[None]]) -> str:
    """Return the URL of a store of this version, built unless it is there."""
    database = f"{name}_{_version()}"
    server = await asyncpg.connect(server_url())
    if not await server.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
        await _drop_outdated(server, f"{name}_")
        await server.execute(f'CREATE DATABASE "{database}_unfinished"')
        unfinished = url_of(f"{database}_unfinished")
        await asyncio.to_thread(migrations.migrate, unfinished)
        store = await asyncpg.connect(unfinished)
        await build(store)
        await store.close()
        await server.execute(f'ALTER DATABASE "{database}_unfinished" RENAME TO "{database}"')
    await server.close()
    return url_of(database)


async def _make_real_runs() -> None:
    """Run the real runs, unless they are kept from before and the schema is the same."""
    schema = _schema()
    mark = real_runs.FILE.with_suffix(".schema")
    if not mark.exists() or mark.read_text("utf-8") != schema:
        await real_runs.prepare(await scratch("real"))
        mark.write_text(schema, "utf-8")


async def _drop_outdated(server: asyncpg.Connection, beginning: str) -> None:
    """Drop the stores of that kind and size that were built for another schema or of other runs."""
    query = "SELECT datname FROM pg_database WHERE datname ^@ $1"
    for row in await server.fetch(query, beginning):
        await server.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')


async def fill(store: asyncpg.Connection, runs: int) -> None:
    """Copy so many runs into a migrated, empty store."""
    async with loading(store):
        with ProcessPoolExecutor(GENERATORS) as pool:
            waiting: list[Future[Chunk]] = []
            for number in range(-(-runs // CHUNK)):
                waiting.append(pool.submit(population.chunk, number, runs))
                if len(waiting) == AHEAD:
                    await copy(store, await asyncio.wrap_future(waiting.pop(0)))
            for future in waiting:
                await copy(store, await asyncio.wrap_future(future))


@asynccontextmanager
async def loading(store: asyncpg.Connection) -> AsyncIterator[None]:
    """Have a store take rows as they are, index them afterwards, and let it settle."""
    await packed_already(store)
    for table in CHECKED:  # nor is each metrics' run looked for
        await store.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    indexes = await store.fetch(INDEXES)
    for index in indexes:
        await store.execute(f"DROP INDEX {index['name']}")
    yield
    await store.execute("SET maintenance_work_mem = '1GB'")
    for index in indexes:
        await store.execute(index["definition"])
    for table in CHECKED:
        await store.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    await store.execute("VACUUM ANALYZE")


async def packed_already(store: asyncpg.Connection) -> None:
    """Give a store the shapes of the real runs, and have it take rows that are packed."""
    for table in PACKING:
        await store.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_are_packed")
    await store.copy_records_to_table("shapes", records=real_runs.shapes())
    await store.execute("SELECT setval(pg_get_serial_sequence('shapes', 'shape_id'), 1000)")


async def copy(store: asyncpg.Connection, rows: Chunk, prefix: str = "") -> None:
    """Copy one chunk into its tables, all of it or nothing."""
    async with store.transaction():
        for table, text in rows.tables.items():
            await _copy(store, prefix + table, rows.columns[table], text)


async def _copy(
    store: asyncpg.Connection, table: str, columns: tuple[str, ...], text: bytes
) -> None:
    async def source() -> AsyncIterator[bytes]:
        yield text

    await store.copy_to_table(table, source=source(), columns=columns)


def _version() -> str:
    """Return a digest of what the stores are made of: the schema, and the runs."""
    sample = b"".join(population.chunk(0, SAMPLE).tables.values())
    return hashlib.sha256(_schema().encode() + sample).hexdigest()[:8]


def _schema() -> str:
    files = sorted(folder("migrations").glob("*.sql"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("--"))
