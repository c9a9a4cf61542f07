"""`btstore rename`: a name of its own for a run."""

from typing import Annotated

import typer

from backtest_store.cli.options import RunArgument, examples, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples('btstore rename 3f2a "wide stops"', 'btstore rename 3f2a ""')


@with_filters()
def rename(
    run: RunArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help='The name; "" shows the strategy\'s again.')
    ],
    *,
    filters: Filters,
) -> None:
    """Give a run a name that lists show in place of its strategy's."""
    from backtest_store.cli.spinner import call
    from backtest_store.runs.annotations import annotate

    (changed,) = call(lambda db: annotate(db, [run], filters, name=name))
    print_message(
        f"{changed} is called {name}" if name else f"{changed} shows its strategy's name again"
    )
