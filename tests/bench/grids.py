"""A grid of short backtests in two processes, against the same grid in one."""

import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg

from tests.bench import processes, store
from tests.bench.measure import medians
from tests.bench.table import Row

ROUNDS = 3
GRID = 200
CONFIG = """
strategy = "sma_crossover"

[parameters]
equity_fraction = 0.95

[data]
source = "sp500_daily"
start = 2014-01-01
end = 2016-12-31
"""
FAST, SLOW = range(2, 22), range(30, 80, 5)


async def two_jobs() -> AsyncIterator[Row]:
    """Measure a grid with `--jobs 2` against `--jobs 1`, and count what was stored."""
    url = await store.scratch("grids")
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "sma.toml"
        config.write_text(CONFIG)
        measured = {jobs: partial(processes.run, _command(config, jobs), url) for jobs in "12"}
        seconds = await medians(measured, ROUNDS, warm_up=1)
    await _check(url)
    yield Row(f"a grid of {GRID}, --jobs 1", seconds["1"], "s")
    yield Row(f"a grid of {GRID}, --jobs 2", seconds["2"], "s", 0.6, seconds["1"], of_ratio=True)


def _command(config: Path, jobs: str) -> processes.Command:
    grid = {"fast_period": FAST, "slow_period": SLOW}
    sets = [f"{name}={','.join(map(str, values))}" for name, values in grid.items()]
    options = [word for each in sets for word in ("--set", each)]
    return (processes.BTSTORE, "run", config, *options, "--jobs", jobs, "--format", "csv")


async def _check(url: str) -> None:
    """Make sure that each combination was stored as often as the grid was run."""
    db = await asyncpg.connect(url)
    stored = await db.fetch("SELECT parameters, count(*) AS runs FROM backtest_runs GROUP BY 1")
    await db.close()
    assert len(stored) == GRID, len(stored)
    assert len({row["runs"] for row in stored}) == 1, "some combinations were stored more often"
