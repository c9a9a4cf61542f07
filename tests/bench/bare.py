"""The floor of `btstore history`: one indexed query and 20 rows, with nothing around them."""

import argparse
import asyncio

import asyncpg

QUERY = """
SELECT run_id, started_at, strategy_name, status, sharpe_ratio, total_return, max_drawdown
  FROM backtest_runs ORDER BY started_at DESC, run_id DESC LIMIT $1
"""


async def newest(url: str, limit: int) -> None:
    """Print the newest runs."""
    connection = await asyncpg.connect(url)
    for row in await connection.fetch(QUERY, limit):
        print("  ".join(str(value) for value in row.values()))
    await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(newest(options.url, options.limit))
