"""Whole commands, from the shell: what a person waits for."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from asyncpg import Connection

from tests.bench import bare
from tests.bench.measure import Timed, medians
from tests.bench.table import Row

ROUNDS = 15
Command = Sequence[str | Path]
BTSTORE = Path(sys.executable).with_name("btstore")
PYTHON = (sys.executable,)
FILTERED = (
    "history",
    "--sort",
    "sharpe_ratio",
    "--metric",
    "max_drawdown>-0.5",
    "--status",
    "success",
)


async def commands(db: Connection, url: str, strategy: str) -> AsyncIterator[Row]:
    """Measure commands against a script that does the least."""
    ids = [str(row["run_id"]) for row in await db.fetch(bare.QUERY, 10)]
    measured: dict[str, Command] = {
        "bare": (*PYTHON, bare.__file__, url),
        "btstore history": (BTSTORE, "history"),
        "btstore history, filters and sort": (BTSTORE, *FILTERED, "--strategy", strategy),
        "btstore show": (BTSTORE, "show", ids[0]),
        "btstore compare of 10": (BTSTORE, "compare", *ids),
    }
    seconds = await medians(_timed(measured, url), ROUNDS)
    floor = seconds.pop("bare") * 1e3
    yield Row("bare script: asyncpg, one query, 20 rows", floor, "ms")
    for what, value in seconds.items():
        limit = 1.4 if what == "btstore history" else 1.35
        yield Row(what, value * 1e3, "ms", limit, floor, of_ratio=True)
    async for row in _help(url):
        yield row


async def _help(url: str) -> AsyncIterator[Row]:
    measured: dict[str, Command] = {
        "typer": (*PYTHON, "-c", "import typer"),
        "help": (BTSTORE, "--help"),
    }
    seconds = await medians(_timed(measured, url), ROUNDS)
    yield Row('python -c "import typer"', seconds["typer"] * 1e3, "ms")
    yield Row(
        "btstore --help", seconds["help"] * 1e3, "ms", 1.3, seconds["typer"] * 1e3, of_ratio=True
    )


def _timed(measured: Mapping[str, Command], url: str) -> dict[str, Timed]:
    return {what: partial(run, command, url) for what, command in measured.items()}


async def run(command: Command, url: str) -> None:
    """Run a command on a store and wait for it."""
    subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        command, env=environment(url), stdout=subprocess.DEVNULL, check=True
    )


def environment(url: str) -> dict[str, str]:
    """Return the environment with a store, and with modules compiled once as they mostly are."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return own | {"BTSTORE_DATABASE_URL": url}
