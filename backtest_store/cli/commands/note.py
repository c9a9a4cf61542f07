"""`btstore note`: a remark on a run."""

from typing import Annotated

import typer

from backtest_store.cli.options import RunArgument, examples, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples('btstore note 3f2a "stops too tight in 2008"', 'btstore note 3f2a ""')


@with_filters()
def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='The remark; "" removes it.')],
    *,
    filters: Filters,
) -> None:
    """Write a remark on a run, in place of the one before; `--where` and `--note` find it."""
    from backtest_store.cli.spinner import call
    from backtest_store.runs.annotations import annotate

    (changed,) = call(lambda db: annotate(db, [run], filters, note=text))
    print_message(f"noted on {changed}" if text else f"removed the note of {changed}")
