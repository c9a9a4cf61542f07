"""`btstore overfit`: whether the best of several runs was fitted to its past."""

from backtest_store.cli.options import FormatOption, examples, no_runs_message, with_filters
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples(
    'btstore overfit --strategy "SMA Crossover" --instrument SPX.XCBO', "btstore overfit --tag grid"
)


@with_filters()
def overfit(*, filters: Filters, format_: FormatOption = Format.TABLE) -> None:
    """Compute the probability that the best of several runs was fitted to its past."""
    from backtest_store.cli.output import cells, render
    from backtest_store.cli.spinner import read
    from backtest_store.runs.luck import overfit as overfitting
    from backtest_store.runs.luck.shared_months import shared_months

    shared = read(lambda db: shared_months(db, filters.conditions), filters)
    if shared is None:
        render.many([], format_, cells.columns(overfitting.OverfitRuns))
        print_message(no_runs_message(filters))
        return
    found = overfitting.overfit(shared)
    render.one(found, format_)
    explained = overfitting.explained(found) if format_ in FOR_PEOPLE else ()
    for note in (*explained, *shared.notes):
        print_message(f"note: {note}")
