"""`btstore star`: runs to come back to."""

from typing import Annotated

import typer

from backtest_store.cli.options import RunsArgument, counted, examples, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples("btstore star @best:sharpe_ratio", "btstore star 3f2a 77c1 --remove")


@with_filters()
def star(
    runs: RunsArgument,
    *,
    filters: Filters,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the star.")] = False,
) -> None:
    """Star runs to come back to; `@starred` names them."""
    from backtest_store.cli.spinner import call
    from backtest_store.runs.annotations import annotate

    changed = call(lambda db: annotate(db, runs, filters, starred=not remove))
    print_message(f"{'unstarred' if remove else 'starred'} {counted(len(changed))}")
