"""What the winner is worth: one strategy of many runs, and a grid with twenty years of months."""

from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from random import Random

import asyncpg

from backtest_store.models import Record
from backtest_store.runs.listing import Listing
from backtest_store.runs.luck import best, overfit, walkforward
from backtest_store.runs.luck.shared_months import shared_months
from tests.bench import store
from tests.bench.measure import medians
from tests.bench.table import Row
from tests.factories import make_record
from tests.factories import store as store_runs

GRID, MONTHS, DAYS = 200, 240, 21
ROUNDS = 5
# Every run of the table once more, for each number, with an identity and a result of its own.
COPIES = """
INSERT INTO {table} SELECT made.*
  FROM {table} AS original
 CROSS JOIN generate_series(1, $1::bigint) AS n
 CROSS JOIN LATERAL jsonb_populate_record(original, jsonb_build_object(
       'run_id', '00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'),
       'started_at', timestamptz '2026-01-06' + n * interval '1 second',
       'config_hash', encode(sha256(n::text::bytea), 'hex'),
       'parameters', jsonb_build_object('fast_period', n, 'slow_period', 50),
       'sharpe_ratio', (n * 7919 % 1000003) / 1000003.0)) AS made
"""
READ_ALL = "SELECT stddev(sharpe_ratio) FROM performance_metrics"


async def worth(runs: int) -> AsyncIterator[Row]:
    """Measure what `best`, `overfit` and `walkforward` ask and compute."""
    for count, limit in ((10_000, 100), (runs, 1000)):
        url = await store.built(f"luck_{count}", partial(_copies, count=count - 1))
        db = await asyncpg.connect(url)
        ranked = Listing(order_by="sharpe_ratio")
        seconds = await medians(
            {"best": partial(best.best, db, ranked, 5), "floor": partial(db.fetchval, READ_ALL)},
            ROUNDS,
        )
        what = f"best of one strategy with {count:,} runs"
        yield Row(what, seconds["best"] * 1e3, "ms", limit, seconds["floor"] * 1e3)
        await db.close()
    db = await asyncpg.connect(await store.scratch("bench_luck"))
    await store_runs(db, list(_grid()))
    for name, command in (("overfit", _overfit), ("walkforward", _walked)):
        seconds = await medians({name: partial(command, db)}, ROUNDS)
        yield Row(f"{name} of {GRID} runs, {MONTHS} months", seconds[name], "s", 2)
    await db.close()


async def _copies(db: asyncpg.Connection, count: int) -> None:
    """Store so many runs of one strategy on one stretch of data."""
    await store_runs(db, [make_record()])
    async with db.transaction():
        # Copies are packed already, which a trigger would do.
        await db.execute("SET LOCAL session_replication_role = replica")
        for table in ("backtest_runs", "performance_metrics", "periods"):
            await db.execute(COPIES.format(table=table), count)
    await db.execute("VACUUM ANALYZE")


def _grid() -> list[Record]:
    random = Random(1)
    return [_of_grid(random, number) for number in range(GRID)]


def _of_grid(random: Random, number: int) -> Record:
    means = [random.gauss(0.0002, 0.002) for _ in range(MONTHS)]
    return make_record(
        config_hash=f"{number:064x}",
        parameters={"fast_period": number},
        period_start=date(2000, 1, 1),
        period_returns=[(1 + mean) ** DAYS - 1 for mean in means],
        period_counts=[DAYS] * MONTHS,
        period_means=means,
        period_deviations=[0.01] * MONTHS,
    )


async def _overfit(db: asyncpg.Connection) -> object:
    shared = await shared_months(db, ())
    assert shared is not None
    return overfit.overfit(shared)


async def _walked(db: asyncpg.Connection) -> object:
    shared = await shared_months(db, ())
    assert shared is not None
    return walkforward.walkforward(shared, "sharpe_ratio", train=36, test=12)
