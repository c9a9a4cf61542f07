"""`btstore show`: everything about one run."""

from __future__ import annotations

from backtest_store.cli import render
from backtest_store.cli.options import Format, FormatOption, RunArgument
from backtest_store.database.connection import call


def show(run: RunArgument, format_: FormatOption = Format.TABLE) -> None:
    """Show everything about one run."""
    from backtest_store import selectors

    render.one(call(lambda db: selectors.resolve(db, run)), format_)
