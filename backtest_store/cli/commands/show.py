"""`btstore show`: everything about one run."""

from __future__ import annotations

from typing import Annotated

import typer

from backtest_store.cli.options import FormatOption, RunArgument, examples
from backtest_store.cli.output.writers import Format

EXAMPLES = examples("btstore show @latest", "btstore show 3f2a --config > config.json")


def show(
    run: RunArgument,
    *,
    config: Annotated[
        bool, typer.Option("--config", help="Print the configuration snapshot alone, as JSON.")
    ] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show everything about one run."""
    from backtest_store.cli.output import render
    from backtest_store.cli.spinner import call
    from backtest_store.runs import selectors

    found = call(lambda db: selectors.resolve(db, run))
    if config:
        render.document(found.config_snapshot)
    else:
        render.one(found, format_)
        if format_ is Format.TABLE and found.period is not None:
            render.months(found)
