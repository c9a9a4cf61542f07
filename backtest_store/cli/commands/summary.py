"""`btstore summary`: groups of runs, and how they did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import (
    FormatOption,
    examples,
    metric_option,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backtest_store.cli.output.cells import Column

EXAMPLES = examples(
    "btstore summary --by strategy,instrument",
    "btstore summary --by parameters.fast_period --metric cagr --batch @batch",
)


@with_filters("metrics")
def summary(
    *,
    filters: Filters,
    by: Annotated[
        str,
        typer.Option(
            metavar="FIELD,...",
            help="What the runs of a group have in common: fields, parameters, day, week or month.",
        ),
    ],
    metric: Annotated[str, metric_option("The metric to show.")] = "sharpe_ratio",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Sum up groups of runs: how many, how many failed; best, median and worst of a metric."""
    from backtest_store.cli.output import render
    from backtest_store.cli.spinner import read
    from backtest_store.runs import summary as summaries
    from backtest_store.store.record_fields import QUALITIES, known

    names, shown = by.split(","), known(metric, QUALITIES, "metric to show")
    for name in names:
        summaries.key_of(name)  # refuses what is none before it is looked for
    groups = read(
        lambda db: summaries.summary(db, names, shown, where=filters.conditions),
        filters._replace(subjects=(*filters.subjects, *map(summaries.subject_of_key, names))),
    )
    rows = [[*g.keys, g.runs, g.failures, g.best, g.median, g.worst, g.last_run] for g in groups]
    columns = _columns(names, shown)
    render.write(columns, rows, format_, shown=_by_need(columns), nothing=no_runs_message(filters))


def _columns(names: list[str], metric: str) -> list[Column]:
    from backtest_store.cli.output.cells import Column, figures
    from backtest_store.runs.summary import name_of

    return [
        *map(_key, map(name_of, names)),
        Column("runs", "int", "count"),
        Column("failures", "int", "count"),
        *figures(metric),
        Column("last_run", "datetime", "time"),
    ]


def _by_need(columns: Sequence[Column]) -> list[str]:
    """Return the names of columns, the most needed first: what a narrow terminal keeps."""
    *keys, runs, failures, best, median, worst, last_run = (column.name for column in columns)
    return [*keys, runs, median, best, worst, failures, last_run]


def _key(name: str) -> Column:
    from backtest_store.cli.output.cells import Column
    from backtest_store.store.record_fields import TYPES

    if name in TYPES:
        return Column(name, TYPES[name])
    return Column(name, "str", "plain", heading=name.removeprefix("parameters."))
