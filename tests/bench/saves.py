"""Saving: one run through the hook, many savers at once, and what a large store adds to it."""

import asyncio
import multiprocessing
import os
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

import asyncpg
from pydantic import TypeAdapter

from backtest_store.models import DEFAULTS, Record
from backtest_store.saving import save
from backtest_store.store import queries, sql
from tests.bench import population, store
from tests.bench.measure import medians
from tests.bench.table import Row

ROUNDS = 400
SAVERS = 8
SECONDS = 5
_together: Barrier


async def one(url: str) -> AsyncIterator[Row]:
    """Measure a save through the hook against the same rows as one bare statement."""
    os.environ["BTSTORE_DATABASE_URL"] = url
    statement = await (await asyncpg.connect(url)).prepare(sql.query("insert_run").text)
    texts, runs = iter(population.records(ROUNDS + 10)), iter(_runs(ROUNDS + 10))
    assert save.save_record(next(runs)), "the store does not take a run"

    async def bare() -> None:
        await statement.fetch(next(texts), DEFAULTS)

    async def hook() -> None:
        save.save_record(next(runs))

    seconds = await medians({"bare": bare, "hook": hook}, ROUNDS)
    yield Row("both rows as one bare statement", seconds["bare"] * 1e3, "ms")
    yield Row(
        "one save through the hook", seconds["hook"] * 1e3, "ms", 1.5, seconds["bare"] * 1e3,
        of_ratio=True,
    )  # fmt: skip


async def many(url: str) -> AsyncIterator[Row]:
    """Measure processes that save at once against pgbench running the bare statement."""
    floor = _pgbench(url)
    together = multiprocessing.Barrier(SAVERS)
    with ProcessPoolExecutor(SAVERS, initializer=_start_with, initargs=(together,)) as pool:
        saved = sum(pool.map(_keep_saving, [url] * SAVERS))
    yield Row(f"pgbench, {SAVERS} clients, the bare statement", floor, "runs/s")
    yield Row(
        f"{SAVERS} concurrent savers", saved / SECONDS, "runs/s", 0.6, floor,
        of_ratio=True, at_least=True,
    )  # fmt: skip


def _start_with(barrier: Barrier) -> None:
    global _together  # noqa: PLW0603 - there is one a worker
    _together = barrier


def _keep_saving(url: str) -> int:
    """Save for some seconds, beginning when all do, and return how many runs were saved."""
    os.environ["BTSTORE_DATABASE_URL"] = url
    runs = _runs(SECONDS * 500)
    assert save.save_record(runs.pop())
    _together.wait()
    end, count = perf_counter() + SECONDS, len(runs)
    while runs and perf_counter() < end:
        save.save_record(runs.pop())
    return count - len(runs)


def _runs(count: int) -> list[Record]:
    adapter = TypeAdapter(Record)
    return [adapter.validate_json(text) for text in population.records(count)]


def _pgbench(url: str) -> float:
    """Return the transactions a second that pgbench reports."""
    # In hex, since pgbench takes a colon for the beginning of a variable.
    record = population.records(1)[0].encode().hex()
    document = f"convert_from(decode('{record}', 'hex'), 'UTF8')::jsonb"
    fresh = f"{document} || jsonb_build_object('run_id', gen_random_uuid())"
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "statement.sql"
        given = f"WITH given AS MATERIALIZED (SELECT {fresh} AS record), run"
        text = sql.query("insert_run").text.replace("WITH run", given, 1)
        text = text.replace("$1::jsonb", "$1").replace("$1", "(SELECT record FROM given)")
        text = text.replace("$2::jsonb", "$2").replace("$2", f"'{DEFAULTS}'::jsonb")
        script.write_text(" ".join(text.split()) + ";\n")
        options = f"-n -M prepared -c {SAVERS} -j 2 -T {SECONDS}".split()
        command: tuple[str | Path, ...] = (store.binary("pgbench"), *options, "-f", script, url)
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([\d.]+)", report)
    assert found, report
    return float(found[1])


async def growth(url: str) -> AsyncIterator[Row]:
    """Measure the bare statement on the large store against an empty one."""
    empty, large = [await asyncpg.connect(each) for each in (await store.scratch("empty"), url)]
    texts = iter(population.records(2 * ROUNDS + 10))

    async def save(db: asyncpg.Connection) -> None:
        await queries.insert_run(db, record=next(texts))

    seconds = await medians({"empty": partial(save, empty), "large": partial(save, large)}, ROUNDS)
    yield Row(
        "a save into the large store, against an empty", seconds["large"] * 1e3, "ms", 1.2,
        seconds["empty"] * 1e3, of_ratio=True,
    )  # fmt: skip
    await asyncio.gather(empty.close(), large.close())


async def clean_up(db: asyncpg.Connection) -> None:
    """Leave the store as it was."""
    await db.execute(
        "DELETE FROM backtest_runs WHERE run_id IN (SELECT run_id FROM annotations WHERE note = $1)",
        population.MADE_HERE,
    )
    await db.execute("VACUUM ANALYZE")
