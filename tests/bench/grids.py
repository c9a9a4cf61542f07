"""A grid of short backtests in two processes, and in one, and what a bare loop takes for it."""

import asyncio
import json
import os
import sys
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
DAILY = f"""{CONFIG}
[grid]
fast_period = {{from = 2, to = 11}}
slow_period = {{from = 30, to = 70, step = 10}}
"""
HOURLY = """
strategy = "rsi_mean_reversion"

[parameters]
equity_fraction = 3

[data]
source = "eurusd_hourly"

[venue]
leverage = 5

[grid]
period = {from = 5, to = 24}
"""


async def two_jobs() -> AsyncIterator[Row]:
    """Measure a grid with `--jobs 2` against `--jobs 1`, and count what was stored."""
    url = await store.scratch("grids")
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "sma.toml"
        config.write_text(CONFIG)
        measured = {jobs: partial(processes.run, _command(config, jobs), url) for jobs in "12"}
        seconds = await medians(measured, ROUNDS, warm_up=1)
        bars = {"daily": (DAILY, 50), "hourly": (HOURLY, 20)}
        scratch = await store.scratch("grid_overhead")
        overhead = {
            kind: await _overhead(Path(directory) / kind, config, runs, scratch)
            for kind, (config, runs) in bars.items()
        }
    await _check(url)
    yield Row(f"a grid of {GRID}, --jobs 1", seconds["1"], "s")
    yield Row(f"a grid of {GRID}, --jobs 2", seconds["2"], "s", 0.55, seconds["1"], of_ratio=True)

    for kind, milliseconds in overhead.items():
        floor, mine = milliseconds["bare"], milliseconds["btstore"]
        yield Row(f"a run of a grid on {kind} bars, a bare loop (CPU)", floor, "ms")
        row = f"a run of a grid on {kind} bars, btstore (CPU)"
        yield Row(row, mine, "ms", 1.15, floor, of_ratio=True)


async def _overhead(config: Path, text: str, runs: int, url: str) -> dict[str, float]:
    """Return the milliseconds of processor time that a run of a grid takes."""
    config = config.with_suffix(".toml")
    config.write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.grid_overhead", config,
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"BTSTORE_DATABASE_URL": url},
    )  # fmt: skip
    out, _ = await process.communicate()
    seconds: dict[str, float] = json.loads(out.splitlines()[-1])
    return {name: each / runs * 1e3 for name, each in seconds.items()}


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
