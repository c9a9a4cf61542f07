"""`btstore walkforward`: choose by the past, hold in the future, from stored months."""

from typing import Annotated

import typer

from backtest_store.cli.options import FormatOption, examples, no_runs_message, with_filters
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters
from backtest_store.runs.luck import Criterion

# The most needed first, `parameters` standing for those that vary.
SHOWN = (
    "run_id",
    "test_start",
    "total_return",
    "median_return",
    "parameters",
    "out_of_sample",
    "in_sample",
    "hindsight_return",
    "test_end",
    "train_start",
)
EXAMPLES = examples(
    'btstore walkforward --train 3y --test 1y --strategy "SMA Crossover"',
    "btstore walkforward --train 24m --test 6m --by total_return --format csv",
)


@with_filters()
def walkforward(
    *,
    filters: Filters,
    train: Annotated[
        str, typer.Option(metavar="LENGTH", help="Length of each window to choose in: 18m or 3y.")
    ] = "3y",
    test: Annotated[
        str, typer.Option(metavar="LENGTH", help="Length of each window to hold in: 6m or 1y.")
    ] = "1y",
    by: Annotated[
        Criterion,
        typer.Option(help="Metric that chooses the best run of a window."),
    ] = "sharpe_ratio",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Hold what was best so far, window by window, and see what it did; nothing is run again."""
    from backtest_store.cli.output import cells, render, run_lists
    from backtest_store.cli.spinner import read
    from backtest_store.runs.luck import walkforward as walking
    from backtest_store.runs.luck.shared_months import shared_months

    columns = cells.columns(walking.WalkForwardWindow)
    months = {"train": walking.months_in(train), "test": walking.months_in(test)}
    shared = read(lambda db: shared_months(db, filters.conditions), filters)
    if shared is None:
        render.many([], format_, columns)
        print_message(no_runs_message(filters))
        return
    walk = walking.walkforward(shared, by, **months)
    if format_ in FOR_PEOPLE:
        shown, rows, need = run_lists.with_parameters(walk.windows, columns, SHOWN)
        render.write(shown, rows, format_, shown=need)
    else:
        render.many(walk.windows, format_, columns)
    told = walk.notes() if format_ in FOR_PEOPLE else ()
    for note in (*told, *shared.notes):
        print_message(f"note: {note}")
