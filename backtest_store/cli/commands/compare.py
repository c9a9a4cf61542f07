"""`btstore compare`: runs side by side."""

from typing import Annotated

import typer

from backtest_store.cli.options import (
    RUN_HELP,
    FormatOption,
    RunsArgument,
    examples,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples(
    "btstore compare @latest @best:sharpe_ratio --baseline @latest~1",
    "btstore compare 3f2a 77c1 9e05 --split 2015-01",
)


@with_filters()
def compare(  # noqa: PLR0913 - each is an option
    runs: RunsArgument,
    *,
    filters: Filters,
    baseline: Annotated[
        str | None, typer.Option(metavar="RUN", help=f"Show differences to this run. {RUN_HELP}")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="MONTH",
            help="Show the results before this month and from it on, such as 2015-06.",
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Show every metric, and the inputs that do not differ.")
    ] = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Put 2 to 10 runs side by side: what differs, then how they went, the best marked."""
    from backtest_store.cli.output import render
    from backtest_store.cli.spinner import read
    from backtest_store.runs import compare as comparing
    from backtest_store.runs.expressions.typed_values import first_of_month

    month = None if split is None else first_of_month(split)
    where = filters.conditions
    comparison = read(lambda db: comparing.compare(db, runs, baseline, month, where=where), filters)
    render.side_by_side(comparison, format_, everything=all_)
    if comparison.baseline is not None and format_ in FOR_PEOPLE:
        print_message(f"note: in brackets, the difference to {comparison.baseline.run_id}")
    for note in comparison.notes():
        print_message(f"note: {note}")
