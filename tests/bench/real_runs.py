"""Real runs that a million are made of: the demo's three strategies in grids, run by a node, saved.

Run once and kept in `.bench/`, with the rows that the schema makes of them, until that changes.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from backtest_store.models import PERIOD_FIELDS, RECORD_FIELDS
from backtest_store.runner import demo
from backtest_store.store import queries, sql

FILE = Path(__file__).parents[2] / ".bench" / "real_runs.json"
BTSTORE = Path(sys.executable).with_name("btstore")
GRIDS = {
    "sma_crossover": ("fast_period=5..50:5", "slow_period=60..200:20"),
    "rsi_mean_reversion": ("period=7..21:2", "oversold=20,30", "exit_level=45,50,55"),
    "momentum": ("lookback=20..200:10", "threshold=0,0.01,0.02"),
}
RAW = """
SELECT to_json(r)::text AS run, to_json(m)::text AS metrics, to_json(p)::text AS periods
  FROM backtest_runs AS r
  JOIN performance_metrics AS m USING (run_id)
  JOIN periods AS p USING (run_id)
 WHERE r.run_id = $1
"""


class RealRun(NamedTuple):
    """A run as it is exported, and its rows as they are stored, arrays as COPY's text."""

    record: dict[str, Any]
    run: dict[str, Any]
    metrics: dict[str, Any]
    periods: dict[str, Any]


@cache
def real_runs() -> list[list[RealRun]]:
    """Return the runs of each strategy."""
    found = [
        RealRun(record, run, metrics, periods | {n: array(periods[n]) for n in PERIOD_FIELDS})
        for record, run, metrics, periods in json.loads(FILE.read_text("utf-8"))["runs"]
    ]
    names = sorted({each.record["strategy_name"] for each in found})
    return [[each for each in found if each.record["strategy_name"] == name] for name in names]


def array(values: list[Any] | None) -> str | None:
    """Return an array as COPY's text has it."""
    if values is None:
        return None
    return "{" + ",".join("NULL" if part is None else json.dumps(part) for part in values) + "}"


def shapes() -> list[tuple[int, str, str]]:
    """Return the rows of `shapes` that the stored rows name."""
    return [tuple(row) for row in json.loads(FILE.read_text("utf-8"))["shapes"]]


async def prepare(url: str) -> None:
    """Run them into a fresh, migrated store, and keep them."""
    environment = os.environ | {"BTSTORE_DATABASE_URL": url}
    for name, grid in GRIDS.items():
        config = Path(demo.__file__).with_name(f"{name}.toml")
        settings = [part for each in grid for part in ("--set", each)]
        command = [str(part) for part in (BTSTORE, "run", config, *settings)]
        subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
            command, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    FILE.write_text(json.dumps(await _read(url)), "utf-8")


async def _read(url: str) -> dict[str, Any]:
    db = await asyncpg.connect(url)
    await db.execute("DELETE FROM backtest_runs WHERE status <> 'success'")
    lines: list[str] = []
    await sql.copy_json(db, queries.export_runs(()), lines.append)
    runs = []
    for line in "".join(lines).splitlines():
        record = json.loads(line)
        (row,) = await db.fetch(RAW, record["run_id"])
        assert record.keys() == {*RECORD_FIELDS}
        runs.append((record, *(json.loads(row[part]) for part in ("run", "metrics", "periods"))))
    found = await db.fetch("SELECT shape_id, digest::text, template FROM shapes ORDER BY 1")
    await db.close()
    return {"runs": runs, "shapes": [[*row] for row in found]}
