"""The embedded server: how soon it is there, and what it takes while nobody asks."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import asyncpg
import psutil

from backtest_store.store.embedded.server import EmbeddedServer
from tests.bench.measure import medians
from tests.bench.table import Row

ROUNDS = 50
SETTLE = 3
MEGABYTE = 2**20


async def embedded() -> AsyncIterator[Row]:
    """Measure a server of its own."""
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory) / "home")
        started = perf_counter()
        url = server.start()
        yield Row("embedded server: first start", perf_counter() - started, "s", 2)

        async def find() -> None:
            EmbeddedServer(Path(directory) / "home").start()

        found = (await medians({"found": find}, ROUNDS))["found"]
        yield Row("embedded server: found running", found * 1e3, "ms", 5)
        await (await asyncpg.connect(url)).close()
        await asyncio.sleep(SETTLE)
        yield Row("embedded server: idle (PSS)", _memory(server.pid()) / MEGABYTE, "MB", 40)
        server.stop()


def _memory(pid: int | None) -> float:
    """Return the bytes of a process and its children, shared pages divided among their users."""
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    return float(sum(each.memory_full_info().pss for each in processes))
