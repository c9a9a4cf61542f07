"""`btstore strategies`: each strategy, summed up."""

from backtest_store.cli.options import (
    FormatOption,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples("btstore strategies", "btstore strategies --since 30d --format csv")


@with_filters()
def strategies(*, filters: Filters, format_: FormatOption = Format.TABLE) -> None:
    """Sum up each strategy by instrument: runs, failures, Sharpe ratios, last run."""
    from backtest_store.cli.output import render
    from backtest_store.cli.output.cells import Column
    from backtest_store.cli.spinner import read
    from backtest_store.runs import summary

    found = read(lambda db: summary.strategies(db, filters.conditions), filters)
    has_reruns = format_ not in FOR_PEOPLE or any(group.reproductions for group in found)
    reruns = [Column("reproductions", "int", "count", heading="reruns")] * has_reruns
    columns = [
        Column("strategy_name"),
        Column("instrument_ids", "list[str]"),
        Column("runs", "int", "count"),
        Column("failures", "int", "count"),
        *reruns,
        Column("median_sharpe_ratio", "float", "ratio"),
        Column("best_sharpe_ratio", "float", "ratio"),
        Column("last_run", "datetime", "time"),
    ]
    rows = [
        [*g.keys, g.runs, g.failures, *[g.reproductions] * has_reruns, g.median, g.best, g.last_run]
        for g in found
    ]
    render.write(columns, rows, format_, nothing=no_runs_message(filters))
