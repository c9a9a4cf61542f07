"""A million lifelike runs as COPY text, the same ones every time: real runs, varied.

Runs come in sweeps, as they do from a grid search: one strategy on the same instruments, each a real
run under another name, with other results. Chunks are independent, so any number of processes makes
the same store.
"""

import json
import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from tests.bench.market import SEED, Strategy, strategies
from tests.bench.real_runs import RealRun, array, real_runs

CHUNK = 10_000
FIRST_RUN = datetime(2023, 1, 2, tzinfo=UTC)
SPAN = timedelta(days=730)
MADE_HERE = "made by the benchmark"
TAGS = ("baseline", "sweep", "walk-forward", "q3-review", "nightly")
TABLES = ("backtest_runs", "performance_metrics", "periods", "annotations")
DOCUMENTS = ("parameters", "config_snapshot", "provenance", "engine_stats")
COPIED = ("total_return", "sharpe_ratio", "max_drawdown")
FRACTION = re.compile(r"-?\d+\.\d+")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Row = dict[str, Any]


class Chunk(NamedTuple):
    """COPY text for each table, and its columns."""

    tables: dict[str, bytes]
    columns: dict[str, tuple[str, ...]]


@dataclass
class Sweep:
    """One strategy on the same instruments, a number of runs in a row."""

    strategy: Strategy
    instruments: list[str]
    remaining: int
    tags: list[str]
    real: list[RealRun]
    batch: UUID


def chunk(number: int, runs: int) -> Chunk:
    """Return one chunk of a store of so many runs."""
    rows: dict[str, list[Row]] = {table: [] for table in TABLES}
    for of_run in _rows(number, runs):
        for table, row in zip(TABLES, of_run, strict=True):
            rows[table] += [row] if row else []
    columns = {table: tuple(many[0]) for table, many in rows.items() if many}
    text = {table: "".join(map(_line, rows[table])).encode() for table in columns}
    return Chunk(text, columns)


def records(count: int) -> list[str]:
    """Return so many more runs, newer than any, as the JSON that `insert_run` takes."""
    random = Random()
    sweeps = _sweeps(random)
    return [_record(random, next(sweeps), n) for n in range(count)]


def _record(random: Random, sweep: Sweep, number: int) -> str:
    record = random.choice(sweep.real).record
    started_at = (FIRST_RUN + SPAN + timedelta(seconds=number)).isoformat()
    origin = record["provenance"] | {"engine_run_id": str(_id(random))}
    varied = _varied(random, sweep, record, started_at) | {"provenance": origin}
    succeeded = {"status": "success", "error_type": None, "error_message": None, "note": MADE_HERE}
    return json.dumps(record | varied | _figures(random, sweep) | succeeded)


def _rows(number: int, runs: int) -> Iterator[tuple[Row, Row, Row, Row]]:
    random = Random(f"{SEED}/{number}")
    first, last = number * CHUNK, min((number + 1) * CHUNK, runs)
    for position, sweep in zip(range(first, last), _sweeps(random), strict=False):
        real = random.choice(sweep.real)
        started_at = (FIRST_RUN + SPAN * ((position + random.random()) / runs)).isoformat()
        run = real.run | _varied(random, sweep, real.run, started_at)
        run["provenance"] = _filled(real.run["provenance"], ID, lambda: str(_id(random)))
        metrics = _metrics(random, sweep, real, run)
        run |= {name: metrics.get(name) for name in COPIED}
        said = {"run_id": run["run_id"], "tags": sweep.tags} if sweep.tags else {}
        periods = real.periods | {"run_id": run["run_id"]} if metrics else {}
        yield run, metrics, periods, said


def _sweeps(random: Random) -> Iterator[Sweep]:
    catalogue, popularity = strategies()
    while True:
        strategy = catalogue[bisect(popularity, random.random() * popularity[-1])]
        sweep = _sweep(random, strategy)
        for _ in range(sweep.remaining):
            yield sweep


def _sweep(random: Random, strategy: Strategy) -> Sweep:
    wanted = random.choices((1, 2, 3), (70, 20, 10))[0]
    weights = strategy.popularity
    used = {
        strategy.instruments[bisect(weights, random.random() * weights[-1])] for _ in range(wanted)
    }
    real = real_runs()
    return Sweep(
        strategy=strategy,
        instruments=sorted(used),
        remaining=random.choices((1, 8, 40, 200), (40, 30, 20, 10))[0],
        tags=random.sample(TAGS, random.choices((0, 1, 2), (60, 30, 10))[0]),
        real=real[len(strategy.name) % len(real)],
        batch=_id(random),
    )


def _varied(random: Random, sweep: Sweep, run: Mapping[str, Any], started_at: str) -> Row:
    status = random.choices(("success", "failed", "interrupted"), (95, 4, 1))[0]
    return {
        "run_id": str(_id(random)),
        "status": status,
        "started_at": started_at,
        "duration_seconds": round(random.lognormvariate(1.5, 1), 3),
        "strategy_name": sweep.strategy.name,
        "strategy_type": sweep.strategy.type,
        "instrument_ids": sweep.instruments,
        "config_hash": f"{random.getrandbits(256):064x}",
        "batch_id": str(sweep.batch),
        "batch_name": run["batch_name"],
        "error_type": "ZeroDivisionError" if status == "failed" else None,
        "error_message": "float division by zero" if status == "failed" else None,
    }


def _metrics(random: Random, sweep: Sweep, real: RealRun, run: Row) -> Row:
    if run["status"] != "success":
        return {}
    stats = _filled(
        real.metrics["engine_stats"],
        FRACTION,
        lambda: repr(random.gauss(0, 900)),
    )
    figures = _figures(random, sweep)
    return real.metrics | figures | {"run_id": run["run_id"], "engine_stats": stats}


def _filled(packed: list[Any], part: re.Pattern[str], other: Any) -> list[Any]:
    """Return a packed document with other values in it."""
    shape, filling = packed
    return [shape, part.sub(lambda _: other(), filling)]


def _figures(random: Random, sweep: Sweep) -> Row:
    if random.random() < 0.02:
        return {"total_return": 0.0, "max_drawdown": 0.0} | dict.fromkeys(
            ("sharpe_ratio", "sortino_ratio", "calmar_ratio")
        )
    skill = sweep.strategy.skill + sweep.strategy.pair_skill[sweep.instruments[0]]
    sharpe = random.gauss(skill, 0.6)
    volatility = random.lognormvariate(-2.3, 0.4)
    cagr = max(sharpe * volatility, -0.95)
    drawdown = -min(0.99, sweep.strategy.depth * volatility * random.lognormvariate(0.3, 0.4))
    return {
        "total_return": (1 + cagr) ** 2 - 1,
        "cagr": cagr,
        "volatility": volatility,
        "sharpe_ratio": sharpe,
        "sortino_ratio": sharpe * random.uniform(1.2, 1.6),
        "calmar_ratio": cagr / -drawdown,
        "max_drawdown": drawdown,
    }


def _id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128))


def _line(row: Row) -> str:
    return "\t".join(_field(name, value) for name, value in row.items()) + "\n"


def _field(name: str, value: object) -> str:
    if value is None:
        return r"\N"
    if name in DOCUMENTS:
        text = json.dumps(value)
    elif isinstance(value, list):
        text = str(array(value))
    else:
        text = str(value)
    return text.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t")
