"""`btstore run`: run backtests from config files and save each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from asyncpg import Connection

    from backtest_store.models import Record

ConfigArgument = Annotated[
    list[Path], typer.Argument(metavar="CONFIG...", help="TOML, YAML or JSON files.")
]
FAILED = 1


def run(configs: ConfigArgument, format_: FormatOption = Format.TABLE) -> None:
    """Run backtests from config files and save each."""
    from backtest_store.cli import render
    from backtest_store.runner.config import load_config

    # Every config is read before the first backtest runs: a mistake in the last costs nothing.
    loaded = [load_config(path) for path in configs]
    require_store()
    from backtest_store.runner.execution import execute

    runs = [execute(config) for config in loaded]
    render.many(runs, format_)
    exit_code(runs)


def require_store() -> None:
    """Refuse to run a backtest for a store that cannot be reached."""
    from backtest_store.database.connection import call

    async def nothing(_: Connection) -> None:
        pass

    call(nothing)


def exit_code(runs: list[Record]) -> None:
    """Tell of the runs that failed, and exit with 1 if there are any."""
    failed = [run for run in runs if run.status != "success"]
    for run in failed:
        typer.echo(f"error: {run.strategy_name} failed: {run.error_message}", err=True)
        typer.echo(f"hint: btstore show {run.run_id} has the traceback", err=True)
    if failed:
        raise typer.Exit(FAILED)
