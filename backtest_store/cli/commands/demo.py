"""`btstore demo`: the bundled strategies on the bundled market data."""

from __future__ import annotations

import sys
from shutil import which
from typing import TYPE_CHECKING

import typer

from backtest_store.cli.options import examples
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.streams import print_message
from backtest_store.cli.output.terminal_text import printable

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record
    from backtest_store.runs.compare import Comparison

NEWEST = 10
EXAMPLES = examples("btstore demo", "BTSTORE_HOME=/tmp/trial btstore demo")


def demo() -> None:
    """Run three strategies on real market data; save, list and compare them."""
    from backtest_store.cli.output import render
    from backtest_store.cli.output.batch_messages import exit_code
    from backtest_store.cli.output.pages import calendar_table
    from backtest_store.cli.output.run_lists import BY_NEED
    from backtest_store.cli.spinner import read, spinner
    from backtest_store.runner.config.loading import load_config
    from backtest_store.runner.demo import DEMO_CONFIGS

    read(reached)  # before anything is run for a store that is not there
    from backtest_store.runner.config_runs import execute

    runs = []
    for path in DEMO_CONFIGS:
        with spinner():
            runs.append(execute(load_config(path)))
        typer.echo(f"saved {runs[-1].strategy_name} as {runs[-1].run_id}")
    newest, comparison = read(lambda db: history_and_comparison(db, runs))
    typer.echo("\nThe newest runs, as `btstore history` lists them:\n")
    render.many(newest, Format.TABLE, shown=BY_NEED)
    typer.echo("\nWhat each earned in each year; `btstore show RUN` has the months:\n")
    typer.echo("\n".join(map(printable, calendar_table.years_of(runs))))
    typer.echo("\nThe three side by side, as `btstore compare` shows them:\n")
    render.side_by_side(comparison, Format.TABLE)
    btstore = "btstore" if which("btstore") else sys.argv[0]
    print_message(f"\nNext: {btstore} show @latest · {btstore} history --sort sharpe_ratio")
    exit_code({run.strategy_name: run for run in runs})


async def reached(_: Connection) -> None:
    """Do nothing but reach the store."""


async def history_and_comparison(
    db: Connection, runs: list[Record]
) -> tuple[list[Record], Comparison]:
    """Fetch the newest runs, and some of them side by side."""
    from backtest_store.runs.compare import compare
    from backtest_store.runs.listing import Listing, page

    newest = await page(db, Listing(), NEWEST)
    return newest, await compare(db, [str(run.run_id) for run in runs], None)
