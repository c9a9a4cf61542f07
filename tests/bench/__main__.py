"""Build the stores, measure, print one table."""

import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator, Callable

import asyncpg

from tests.bench import disk, exports, grids, lists, luck, processes, saves, servers, slim, store
from tests.bench.table import Row, heading, render

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
SMALL = 10_000
Section = Callable[[], AsyncIterator[Row]]


async def main(wanted: list[str]) -> None:
    """Measure all sections, or the wanted ones."""
    print(machine())
    url, small_url = await store.ready(RUNS), await store.ready(SMALL)
    db, small = [await asyncpg.connect(each, statement_cache_size=0) for each in (url, small_url)]
    chosen = await lists.choices(db)
    strategy = chosen.strategies[1]
    assert strategy
    print(await db.fetchval("SELECT version()"))
    print(store.how_made())
    sections: dict[str, Section] = {
        "commands": lambda: processes.commands(db, url, strategy),
        "lists": lambda: lists.lists(db, chosen),
        "queries": lambda: lists.others(db, chosen),
        "months": lambda: lists.months(db),
        "keyset": lambda: lists.keyset(db),
        "growth": lambda: lists.growth(small, db, chosen, 1.5),
        "slim": lambda: slim.growth(url, chosen),
        "disk": lambda: disk.sizes(db, RUNS),
        "exports": lambda: exports.every_run(url, small_url, RUNS),
        "imports": exports.imported,
        "server": servers.embedded,
        "saves": lambda: _saves(url),
        "record": _recorded_runs,
        "luck": lambda: luck.worth(RUNS),
        "grid": grids.two_jobs,
    }
    try:
        for name in wanted or sections:
            await show(name, sections[name])
    finally:
        await saves.clean_up(db)


async def _saves(url: str) -> AsyncIterator[Row]:
    for measured in (saves.one, saves.many, saves.growth):
        async for row in measured(url):
            yield row


async def _recorded_runs() -> AsyncIterator[Row]:
    from tests.bench.bench_record import recorded_runs  # the engine is slow to import

    async for row in recorded_runs():
        yield row


async def show(name: str, section: Section) -> None:
    """Print a section's rows as they come."""
    print(heading(name))
    async for row in section():
        print(render(row), flush=True)


def machine() -> str:
    """Describe the machine and the load it is under."""
    load = os.getloadavg()[0]
    cores = os.cpu_count()
    python = platform.python_version()
    return f"{cores} cores, load {load:.1f}, {platform.platform()}, Python {python}; {RUNS:,} runs"


asyncio.run(main(sys.argv[1:]))
