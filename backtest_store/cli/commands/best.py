"""`btstore best`: the best runs, and whether they are luck."""

from typing import Annotated

import typer

from backtest_store.cli.options import (
    FormatOption,
    examples,
    metric_option,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters
from backtest_store.runs.luck import ScopeName
from backtest_store.statistics import Variance

MOST = 100
SHOWN = (
    "run_id",
    "strategy_name",
    "sharpe_ratio",
    "verdict",
    "parameters",
    "trials",
    "deflated_sharpe_ratio",
    "sharpe_ratio_from_luck",
    "effective_trials",
    "total_return",
    "probabilistic_sharpe_ratio",
    "minimum_track_record",
    "max_drawdown",
    "instrument_ids",
    "start_date",
    "end_date",
)
EXAMPLES = examples(
    'btstore best --strategy "SMA Crossover"',
    "btstore best --by calmar_ratio --scope instrument --limit 3 --format json",
)


@with_filters()
def best(  # noqa: PLR0913 - each is an option
    *,
    filters: Filters,
    by: Annotated[str, metric_option("The metric to rank by.")] = "sharpe_ratio",
    scope: Annotated[
        ScopeName,
        typer.Option(
            help="What counts as a trial: runs of the same strategy on the same instruments and"
            " time, of any strategy on them, of the same grid, or all runs."
        ),
    ] = "strategy",
    variance: Annotated[
        Variance,
        typer.Option(
            help="How uncertain a Sharpe ratio is: as Bailey and Lopez de Prado published it, or"
            " as it is without skill."
        ),
    ] = "published",
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST, help="At most this many runs.")
    ] = 5,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show the best runs, and whether luck alone would have found them among as many trials."""
    from backtest_store.cli.output import cells, render, run_lists
    from backtest_store.cli.spinner import read
    from backtest_store.models import UNLISTED
    from backtest_store.runs.listing import Listing
    from backtest_store.runs.luck import best as judging
    from backtest_store.store.record_fields import QUALITIES, known

    metric = known(by, QUALITIES, "metric to rank by")
    listing = Listing(filters.conditions, metric)
    found = read(
        lambda db: judging.best(db, listing, limit, scope=scope, variance=variance),
        filters,
    )
    columns = [column for column in cells.columns(judging.JudgedRun) if column.name not in UNLISTED]
    shown = dict.fromkeys((*SHOWN[:2], metric, *SHOWN[2:]))
    render.many(found, format_, columns, shown=[*shown], nothing=no_runs_message(filters))
    run_lists.tell_of_bases(found, metric)
    if format_ in FOR_PEOPLE:
        ids = cells.short_ids([str(run.run_id) for run in found])
        for run in found:
            print_message(f"{ids[str(run.run_id)]}: {judging.describe_verdict(run)}")
        if judging.count_as_independent(found):
            print_message("note: trials whose returns are not correlated count as independent")
