"""A million lifelike runs as COPY text, the same ones every time.

Runs come in sweeps, as they do from a grid search: one strategy on the same instruments, each run
with other parameters. Chunks are independent, so any number of processes makes the same store.
"""

import json
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from tests.bench import documents
from tests.bench.market import SEED, Strategy, strategies

CHUNK = 10_000
FIRST_RUN = datetime(2023, 1, 2, tzinfo=UTC)
SPAN = timedelta(days=730)
WARNING = "sharpe_ratio, sortino_ratio, calmar_ratio: no variance in daily returns"
MADE_HERE = "made by the benchmark"
TAGS = ("baseline", "sweep", "walk-forward", "q3-review", "nightly")
RUN_COLUMNS = [
    "run_id",
    "status",
    "started_at",
    "duration_seconds",
    "strategy_name",
    "strategy_type",
    "instrument_ids",
    "start_date",
    "end_date",
    "initial_capital",
    "currency",
    "data_source",
    "data_fingerprint",
    "parameters",
    "config_snapshot",
    "config_hash",
    "provenance",
    "error_type",
    "error_message",
    "error_traceback",
    "tags",
    "note",
]
METRIC_COLUMNS = [
    "run_id",
    "total_return",
    "cagr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown",
    "max_drawdown_date",
    "final_balance",
    "net_profit",
    "total_fees",
    "total_trades",
    "winning_trades",
    "losing_trades",
    "breakeven_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "avg_win",
    "avg_loss",
    "returns_count",
    "periods_per_year",
    "returns_skewness",
    "returns_kurtosis",
    "equity_basis",
    "engine_stats",
    "warnings",
]
DOCUMENTS = ("parameters", "config_snapshot", "provenance", "engine_stats")
SORT_METRICS = ("total_return", "sharpe_ratio", "max_drawdown")
Row = dict[str, object]


class Chunk(NamedTuple):
    """COPY text for both tables."""

    runs: bytes
    metrics: bytes


@dataclass
class Sweep:
    """One strategy on the same instruments and dates, a number of runs in a row."""

    strategy: Strategy
    instruments: list[str]
    remaining: int
    tags: list[str]
    dates: str
    provenance: str
    fingerprint: str


def chunk(number: int, runs: int, copied: tuple[str, ...]) -> Chunk:
    """Return one chunk of a store of so many runs; `copied` metrics are columns of runs as well."""
    run_lines, metric_lines = [], []
    for run, metrics in rows(number, runs):
        run |= {name: metrics.get(name) for name in copied}
        run_lines.append(_line(run, (*RUN_COLUMNS, *copied)))
        if metrics:
            metric_lines.append(_line(metrics, METRIC_COLUMNS))
    return Chunk("".join(run_lines).encode(), "".join(metric_lines).encode())


def rows(number: int, runs: int) -> Iterator[tuple[Row, Row]]:
    """Yield a chunk's runs, each with its metrics, which are empty unless it succeeded."""
    random = Random(f"{SEED}/{number}")
    first, last = number * CHUNK, min((number + 1) * CHUNK, runs)
    for position, sweep in zip(range(first, last), _sweeps(random), strict=False):
        run = _run(random, sweep, FIRST_RUN + SPAN * ((position + random.random()) / runs))
        yield run, _metrics(random, sweep, run) if run["status"] == "success" else {}


def records(count: int) -> list[str]:
    """Return so many more runs, newer than any, as the JSON that `insert_run` takes."""
    beyond = Random().randrange(2**20, 2**40)
    more = zip(range(count), rows(beyond, (beyond + 1) * CHUNK), strict=False)
    return [
        _record(run | metrics, FIRST_RUN + SPAN + timedelta(seconds=n))
        for n, (run, metrics) in more
    ]


def _record(row: Row, started_at: datetime) -> str:
    documents_ = {name: json.loads(str(row[name])) for name in DOCUMENTS if name in row}
    return json.dumps(row | documents_ | {"started_at": started_at.isoformat(), "note": MADE_HERE})


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
    year = random.randint(2015, 2021)
    return Sweep(
        strategy=strategy,
        instruments=sorted(used),
        remaining=random.choices((1, 8, 40, 200), (40, 30, 20, 10))[0],
        tags=random.sample(TAGS, random.choices((0, 1, 2), (60, 30, 10))[0]),
        dates=f"{year}-01-01T00:00:00+00:00/{year + random.randint(1, 3)}-12-31T00:00:00+00:00",
        provenance=documents.provenance(random, strategy),
        fingerprint=f"{random.getrandbits(256):064x}",
    )


def _run(random: Random, sweep: Sweep, started_at: datetime) -> Row:
    status = random.choices(("success", "failed", "interrupted"), (95, 4, 1))[0]
    strategy, failed = sweep.strategy, status == "failed"
    settings = json.dumps(documents.parameters(random, strategy, sweep.instruments))
    start, end = sweep.dates.split("/")
    return {
        "run_id": f"{random.getrandbits(128):032x}",
        "status": status,
        "started_at": started_at.isoformat(),
        "duration_seconds": round(random.lognormvariate(1.5, 1), 3),
        "strategy_name": strategy.name,
        "strategy_type": strategy.type,
        "instrument_ids": sweep.instruments,
        "start_date": start,
        "end_date": end,
        "initial_capital": "1000000.00",
        "currency": "USD",
        "data_source": "/home/quant/catalog",
        "data_fingerprint": sweep.fingerprint,
        "parameters": settings,
        "config_snapshot": documents.config_snapshot(
            strategy, sweep.instruments, settings, sweep.dates
        ),
        "config_hash": f"{random.getrandbits(256):064x}",
        "provenance": sweep.provenance,
        "error_type": "ZeroDivisionError" if failed else None,
        "error_message": "float division by zero" if failed else None,
        "error_traceback": documents.TRACEBACK if failed else None,
        "tags": sweep.tags,
        "note": "look again" if random.random() < 0.01 else None,
    }


def _metrics(random: Random, sweep: Sweep, run: Row) -> Row:
    idle = random.random() < 0.02
    values = _idle() if idle else _figures(random, sweep)
    trades = 0 if idle else random.randint(8, 900)
    winning = round(trades * random.uniform(0.3, 0.6))
    profit = round(values["total_return"] * 1e6, 2)
    return values | {
        "run_id": run["run_id"],
        "max_drawdown_date": None if idle else str(run["end_date"])[:10],
        "final_balance": f"{1e6 + profit:.2f}",
        "net_profit": f"{profit:.2f}",
        "total_fees": f"{trades * 2.35:.2f}",
        "total_trades": trades,
        "winning_trades": winning,
        "losing_trades": trades - winning,
        "breakeven_trades": 0,
        "win_rate": winning / trades if trades else None,
        "profit_factor": random.lognormvariate(0, 0.3) if trades else None,
        "expectancy": f"{profit / trades:.10f}" if trades else None,
        "avg_win": f"{random.uniform(1, 900):.10f}" if winning else None,
        "avg_loss": f"{-random.uniform(1, 900):.10f}" if trades > winning else None,
        "returns_count": 0 if idle else random.randint(250, 1500),
        "periods_per_year": 252.0 + random.random(),
        "returns_skewness": None if idle else random.gauss(0, 1),
        "returns_kurtosis": None if idle else 1 + random.lognormvariate(1, 0.5),
        "equity_basis": "mark_to_market",
        "engine_stats": documents.engine_stats(random),
        "warnings": [WARNING] if idle else [],
    }


def _idle() -> dict[str, float]:
    """Return the equity values of a run that never traded; its ratios are undefined."""
    return dict.fromkeys(("total_return", "cagr", "volatility", "max_drawdown"), 0.0)


def _figures(random: Random, sweep: Sweep) -> dict[str, float]:
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


def _line(row: Row, columns: Sequence[str]) -> str:
    return "\t".join(_field(row.get(column)) for column in columns) + "\n"


def _field(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return "{" + ",".join(f'"{part}"' for part in value) + "}"
    text = str(value)
    return text.replace("\\", r"\\").replace("\n", r"\n") if "\n" in text or "\\" in text else text
