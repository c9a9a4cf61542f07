"""`btstore trend`: a strategy's runs over time."""

from typing import Annotated, Literal

import typer

from backtest_store.cli import completion
from backtest_store.cli.options import (
    FormatOption,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.runs.expressions.asked_filters import Filters

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
    from backtest_store.cli.output.cells import Column
    from backtest_store.cli.spinner import read
    from backtest_store.runs import summary

    found = read(lambda db: summary.trend(db, by, filters.conditions), filters)
    columns = [
        Column("period", "date", "month" if by == "month" else "text"),
        Column("runs", "int", "count"),
        *cells.figures("sharpe_ratio"),
        *cells.figures("total_return"),
    ]
    rows = [
        [*r.keys, r.runs, r.best, r.median, r.worst, t.best, t.median, t.worst] for r, t in found
    ]
    render.write(columns, rows, format_, nothing=no_runs_message(filters))
    if format_ is Format.TABLE:
        render.sparkline("median sharpe", [by_ratio.median for by_ratio, _ in found])
        render.sparkline("median return", [by_return.median for _, by_return in found])
