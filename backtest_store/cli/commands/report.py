"""`btstore report`: a page about one or several runs, as a file."""

from pathlib import Path
from typing import Annotated

import typer

from backtest_store.cli.options import OverwriteOption, RunsArgument, examples, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import UsageError
from backtest_store.runs.expressions.asked_filters import Filters

EXAMPLES = examples(
    "btstore report @latest --output run.html",
    "btstore report 3f2a 77c1 9e05 --output grid.html",
)


@with_filters()
def report(
    runs: RunsArgument,
    *,
    filters: Filters,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Output file, FILE.html.")
    ],
    yes: OverwriteOption = False,
) -> None:
    """Write a web page about runs: what differs, result, equity, drawdowns and months."""
    from backtest_store.cli.output.output_file import written
    from backtest_store.cli.output.web import report as reports
    from backtest_store.cli.spinner import read
    from backtest_store.runs.compare import MOST, Comparison
    from backtest_store.runs.selectors import resolve_all

    if output.suffix not in {".html", ".htm", ""}:  # a pipe has none
        raise UsageError(f"cannot write {output}", hint="name it FILE.html")
    found = read(lambda db: resolve_all(db, runs, filters.conditions), filters)
    if len(found) > MOST:
        raise UsageError(f"report takes up to {MOST} runs, not {len(found)}")
    page = reports.page(Comparison(found))
    with written(output, yes=yes) as write:
        write(page)
    print_message(f"wrote {output}")
