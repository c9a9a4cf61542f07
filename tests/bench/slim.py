"""Lists of a store of many more runs, without documents and months: how much longer they take."""

import asyncio
import os
from collections.abc import AsyncIterator

import asyncpg

from tests.bench import lists, store
from tests.bench.table import Row

RUNS = int(os.environ.get("BENCH_SLIM", "10000000"))
# The n-th copy of each run of a store: at other times, with results that differ a little.
COPIES = {
    "backtest_runs": """
SELECT md5(run_id::text || {n})::uuid AS run_id, status,
       started_at + {n} * interval '1 minute' AS started_at, strategy_name, strategy_type,
       instrument_ids, currency, parameters, '{{}}' AS config_snapshot,
       encode(sha256((config_hash || {n})::bytea), 'hex') AS config_hash, '{{}}' AS provenance,
       error_type, error_message, batch_id, total_return + {n} * 1e-4 AS total_return,
       sharpe_ratio + {n} * 1e-3 AS sharpe_ratio, max_drawdown - {n} * 1e-5 AS max_drawdown
  FROM backtest_runs""",
    "performance_metrics": """
SELECT md5(run_id::text || {n})::uuid AS run_id, total_return + {n} * 1e-4 AS total_return,
       sharpe_ratio + {n} * 1e-3 AS sharpe_ratio, max_drawdown - {n} * 1e-5 AS max_drawdown,
       total_trades, winning_trades, losing_trades, breakeven_trades, equity_basis,
       '{{}}' AS engine_stats, '{{}}' AS warnings
  FROM performance_metrics""",
}


async def growth(url: str, chosen: lists.Choices) -> AsyncIterator[Row]:
    """Measure lists on a store of slim runs, built unless it is there, against that of whole ones."""
    slim_url = await ready(url)
    large, slim = [await asyncpg.connect(each, statement_cache_size=0) for each in (url, slim_url)]
    async for row in lists.growth(large, slim, chosen, 2):
        yield row
    await asyncio.gather(large.close(), slim.close())


async def ready(url: str) -> str:
    """Return the URL of a store of slim copies of another's runs, built unless it is there."""

    async def build(slim: asyncpg.Connection) -> None:
        source = await asyncpg.connect(url)
        times = RUNS // await source.fetchval("SELECT count(*) FROM backtest_runs")
        async with store.loading(slim):
            for number in range(times):
                for table, query in COPIES.items():
                    await _pipe(source, query.format(n=number), slim, table)
        await source.close()

    return await store.built(f"slim_{RUNS}", build)


async def _pipe(
    source: asyncpg.Connection, query: str, target: asyncpg.Connection, table: str
) -> None:
    """Copy what a query returns into a table of another database."""
    parts: asyncio.Queue[bytes] = asyncio.Queue(maxsize=64)

    async def read() -> None:
        await source.copy_from_query(query, output=parts.put)
        await parts.put(b"")

    async def received() -> AsyncIterator[bytes]:
        while part := await parts.get():
            yield part

    columns = [column.name for column in (await source.prepare(query)).get_attributes()]
    await asyncio.gather(read(), target.copy_to_table(table, source=received(), columns=columns))
