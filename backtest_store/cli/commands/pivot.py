"""`btstore pivot`: a metric over one or two parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from backtest_store.cli.options import (
    FormatOption,
    OverwriteOption,
    examples,
    metric_option,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.streams import print_message
from backtest_store.errors import UsageError
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from backtest_store.runs.pivot import Pivot

EXAMPLES = examples(
    "btstore pivot fast_period slow_period --output map.html",
    "btstore pivot fast_period --metric max_drawdown --since 30d --format csv",
)


Aggregate = Literal["best", "median", "count"]
PICTURES = (".html", ".png", ".svg")
OutputOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw a heat map: FILE.html, FILE.png or FILE.svg."),
]


@with_filters("metrics")
def pivot(  # noqa: PLR0913 - each is an option
    parameter: Annotated[
        str, typer.Argument(metavar="PARAM", help="Parameter of the rows, such as fast_period.")
    ],
    second: Annotated[
        str | None, typer.Argument(metavar="[PARAM]", help="Parameter of the columns.")
    ] = None,
    *,
    filters: Filters,
    metric: Annotated[str, metric_option("The metric to show.")] = "sharpe_ratio",
    aggregate: Annotated[
        Aggregate, typer.Option("--agg", help="Which value of several runs a cell shows.")
    ] = "median",
    output: OutputOption = None,
    yes: OverwriteOption = False,
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show a metric over one or two parameters, and whether its best is a plateau or a spike."""
    from backtest_store.cli.output.pages import pivot_page
    from backtest_store.cli.spinner import read
    from backtest_store.runs import pivot as pivoting
    from backtest_store.store.record_fields import QUALITIES, known

    if output is not None and output.suffix not in PICTURES:
        raise UsageError(f"cannot draw {output}", hint="name it FILE.html, FILE.png or FILE.svg")
    inputs = [parameter] if second in (None, parameter) else [parameter, str(second)]
    name = known(metric, QUALITIES, "metric to show")
    found = read(lambda db: pivoting.pivot(db, filters.conditions, inputs, name), filters)
    if found is None:
        pivot_page.write_records(inputs, name, format_)
        print_message(no_runs_message(filters))
        return
    if output is not None:
        _draw(found, output, aggregate, yes=yes)
        return
    pivot_page.write(found, format_, aggregate)
    if format_ in FOR_PEOPLE:
        for note in found.notes():
            print_message(f"note: {note}")


def _draw(pivot: Pivot, file: Path, aggregate: Aggregate, *, yes: bool) -> None:
    from backtest_store.cli.output.output_file import written
    from backtest_store.cli.output.web import heat_maps

    if file.suffix == ".html":
        drawn = heat_maps.page(pivot, aggregate)
    else:
        drawn = heat_maps.picture(pivot, aggregate, file.suffix[1:])
    with written(file, yes=yes) as write:
        write(drawn)
    print_message(f"wrote {file}")
