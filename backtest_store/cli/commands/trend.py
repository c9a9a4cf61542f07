"""`btstore trend`: a strategy's runs over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import (
    FormatOption,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import Format

if TYPE_CHECKING:
    from backtest_store.runs.filters import Filters

EXAMPLES = examples(
    'btstore trend "SMA Crossover"', 'btstore trend "SMA Crossover" --by week --since 2024-01-01'
)


StrategyArgument = Annotated[
    str,
    typer.Argument(metavar="STRATEGY", help="Its name.", autocompletion=completion.strategies),
]


@with_filters(strategy=StrategyArgument)
def trend(
    *,
    filters: Filters,
    by: Annotated[
        Literal["day", "week", "month"], typer.Option(help="Period of each row.")
    ] = "month",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show how the best, the median and the worst of a strategy's runs went over time."""
    from backtest_store.cli.output import cells, render
    from backtest_store.cli.spinner import read
    from backtest_store.runs import summary

    found = read(lambda db: summary.trend(db, by, filters.conditions), filters)
    columns = cells.columns(summary.Period)
    if by == "month":
        columns = (columns[0]._replace(unit="month"), *columns[1:])
    render.many(found, format_, columns, nothing=no_runs_message(filters))
    if format_ is Format.TABLE:
        render.sparklines(found, "median_sharpe_ratio", "median_total_return")
