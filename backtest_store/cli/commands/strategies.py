"""`btstore strategies`: each strategy, summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.cli.options import (
    FormatOption,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format

if TYPE_CHECKING:
    from backtest_store.runs.filters import Filters

EXAMPLES = examples("btstore strategies", "btstore strategies --since 30d --format csv")


@with_filters()
def strategies(*, filters: Filters, format_: FormatOption = Format.TABLE) -> None:
    """Sum up each strategy by instrument: runs, failures, Sharpe ratios, last run."""
    from backtest_store.cli.output import cells, render
    from backtest_store.cli.spinner import read
    from backtest_store.runs import summary

    found = read(lambda db: summary.strategies(db, filters.conditions), filters)
    has_reproductions = any(strategy.reproductions for strategy in found)
    columns = [
        column._replace(heading="reruns") if column.name == "reproductions" else column
        for column in cells.columns(summary.Strategy)
        if format_ not in FOR_PEOPLE or column.name != "reproductions" or has_reproductions
    ]
    render.many(found, format_, columns, nothing=no_runs_message(filters))
