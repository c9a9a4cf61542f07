"""`btstore show`: a page about one run, or all of it."""

from typing import Annotated

import typer

from backtest_store.cli.options import FormatOption, RunArgument, examples, with_filters
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples("btstore show @latest", "btstore show 3f2a --config > config.json")
AllOption = Annotated[bool, typer.Option("--all", help="After the page, print every stored field.")]


@with_filters()
def show(
    run: RunArgument,
    *,
    filters: Filters,
    config: Annotated[
        bool, typer.Option("--config", help="Print the configuration snapshot alone, as JSON.")
    ] = False,
    all_: AllOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show one run: what went into it, how it went, and when."""
    from backtest_store.cli.output import render
    from backtest_store.cli.spinner import read
    from backtest_store.runs import selectors

    found = read(lambda db: selectors.resolve(db, run, filters.conditions), filters)
    if config:
        render.document(found.config_snapshot)
        return
    if format_ is Format.TABLE:
        from backtest_store.cli.output.pages import run_page

        run_page.write(found)
    if all_ or format_ is not Format.TABLE:
        render.one(found, format_)
