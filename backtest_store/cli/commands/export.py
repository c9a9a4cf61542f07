"""`btstore export`: runs as JSON Lines."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import (
    OverwriteOption,
    counted,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


EXAMPLES = examples(
    "btstore export runs.jsonl", 'btstore export - --strategy "SMA Crossover" | gzip > sma.jsonl.gz'
)
FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Output file; - is standard output.", allow_dash=True),
]


@with_filters()
def export(file: FileArgument, *, yes: OverwriteOption = False, filters: Filters) -> None:
    """Write whole runs as JSON Lines, which `btstore import` reads."""
    from backtest_store.cli.output.text import printable_lines
    from backtest_store.cli.spinner import read
    from backtest_store.runs import transfer

    where = filters.conditions
    with _output(file, yes=yes) as write:
        runs = read(
            lambda db: transfer.export(db, where, lambda lines: write(printable_lines(lines)))
        )
    print_message(f"exported {counted(runs)}" if runs else no_runs_message(filters))


@contextmanager
def _output(file: Path, *, yes: bool) -> "Iterator[Callable[[str], object]]":
    from backtest_store.cli.output.files import written
    from backtest_store.cli.output.streams import StandardOutput

    if str(file) == "-":
        out = StandardOutput()
        yield out.write
        out.flush()
        return
    with written(file, yes=yes) as write:
        yield write
