"""Bulk out and in: every run as CSV against psql, import against COPY, and the memory it takes."""

import asyncio
import io
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import asyncpg

from backtest_store.runs import listing
from backtest_store.store.record_fields import LISTED, PACKED, SQL_NAMES
from tests.bench import population, processes, store
from tests.bench.table import Row

IMPORTED = 20_000
KILOBYTE = 1024
GLANCE = 0.01
TABLES = ("backtest_runs", "performance_metrics", "periods", "annotations")


class Finished(NamedTuple):
    """What a process took."""

    seconds: float
    megabytes: float


async def every_run(url: str, small_url: str, runs: int) -> AsyncIterator[Row]:
    """Measure `history --all --format csv` against psql's copy of the same columns."""
    command = (processes.BTSTORE, "history", "--all", "--format", "csv")
    ours, small = _finish(command, url), _finish(command, small_url)
    floor = _finish((store.binary("psql"), url, "-c", _psql_copy()), url)
    yield Row("psql \\copy of the same columns", runs / floor.seconds, "runs/s")
    yield Row(
        "history --all --format csv", runs / ours.seconds, "runs/s", 0.25, runs / floor.seconds,
        of_ratio=True, at_least=True,
    )  # fmt: skip
    yield Row("its peak memory", ours.megabytes, "MB", 150)
    yield Row(
        "its peak memory, against 10,000 runs",
        ours.megabytes,
        "MB",
        1.1,
        small.megabytes,
        of_ratio=True,
    )


def _psql_copy() -> str:
    columns = ", ".join(f"{SQL_NAMES[field]} AS {field}" for field in LISTED)
    source = f"SELECT {columns} FROM backtest_runs r LEFT JOIN performance_metrics m USING (run_id)"
    source += " LEFT JOIN periods p USING (run_id)"
    source += " LEFT JOIN annotations a USING (run_id)"
    return f"\\copy ({source} ORDER BY r.{listing.NEWEST_FIRST} DESC) TO '/dev/null' CSV HEADER"


async def imported() -> AsyncIterator[Row]:
    """Measure `btstore import` against COPY of the same rows, each into a fresh store."""
    source, floor_url, url = [await store.scratch(name) for name in ("made", "copied", "imported")]
    packed = await _fill(source)
    floor = await _copy(source, floor_url)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "runs.jsonl"
        await asyncio.to_thread(_finish, (processes.BTSTORE, "export", file), source)
        ours = await asyncio.to_thread(_finish, (processes.BTSTORE, "import", file), url)
    yield Row("COPY of rows that are packed already", IMPORTED / packed, "runs/s")
    yield Row("COPY of the same rows into the same tables", IMPORTED / floor, "runs/s")
    yield Row(
        "btstore import of the same rows", IMPORTED / ours.seconds, "runs/s", 0.6, IMPORTED / floor,
        of_ratio=True, at_least=True,
    )  # fmt: skip


async def _fill(url: str) -> float:
    """Copy made runs into a store that does not pack them, and return the seconds."""
    db = await asyncpg.connect(url)
    chunks = [population.chunk(n, IMPORTED) for n in range(IMPORTED // population.CHUNK)]
    await store.packed_already(db)
    started = perf_counter()
    for each in chunks:
        await store.copy(db, each)
    seconds = perf_counter() - started
    await db.close()
    return seconds


async def _copy(source: str, url: str) -> float:
    """Copy the runs of one store into another, as psql would, and return the seconds."""
    read, written = [await asyncpg.connect(each) for each in (source, url)]
    copied = [(table, await _columns(read, table), io.BytesIO()) for table in TABLES]
    for table, columns, text in copied:
        values = [f"unpacked({name})" if name in PACKED else name for name in columns]
        query = f"SELECT {', '.join(values)} FROM {table}"
        await read.copy_from_query(query, output=text)
        text.seek(0)
    started = perf_counter()
    async with written.transaction():
        for table, columns, text in copied:
            await written.copy_to_table(table, source=text, columns=columns)
    seconds = perf_counter() - started
    await asyncio.gather(read.close(), written.close())
    return seconds


async def _columns(db: asyncpg.Connection, table: str) -> list[str]:
    statement = await db.prepare(f"SELECT * FROM {table}")
    return [column.name for column in statement.get_attributes()]


def _finish(command: Sequence[str | Path], url: str) -> Finished:
    """Run a command and return its seconds and its peak resident memory.

    The peak is read while it runs: what the system reports at its end counts in the memory of
    the process that started it.
    """
    started, peak = perf_counter(), 0.0
    with subprocess.Popen(
        command, env=processes.environment(url), stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            peak = max(peak, _peak_memory(process.pid))
            sleep(GLANCE)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Finished(perf_counter() - started, peak)


def _peak_memory(pid: int) -> float:
    """Return the megabytes that a process had at most so far; 0 if it just ended."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / KILOBYTE if found else 0.0
