"""`btstore export`: runs as JSON Lines."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from backtest_store.cli.options import counted, examples, no_runs_message, with_filters
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


EXAMPLES = examples(
    "btstore export runs.jsonl", 'btstore export - --strategy "SMA Crossover" | gzip > sma.jsonl.gz'
)
FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Where to; - is standard output.", allow_dash=True),
]


@with_filters()
def export(file: FileArgument, *, filters: Filters) -> None:
    """Write whole runs as JSON Lines, which `btstore import` reads."""
    from backtest_store.cli.output import cells
    from backtest_store.cli.spinner import call
    from backtest_store.runs import transfer

    with _written(file) as write:
        runs = call(
            lambda db: transfer.export(
                db, filters.conditions, lambda lines: write(cells.printable_lines(lines))
            )
        )
    print_message(f"exported {counted(runs)}" if runs else no_runs_message(filters))


@contextmanager
def _written(file: Path) -> "Iterator[Callable[[str], object]]":
    """Open a file that is there whole at the end, or as it was if anything goes wrong."""
    from backtest_store.cli.output.streams import StandardOutput

    if str(file) == "-":
        out = StandardOutput()
        yield out.write
        out.flush()
        return
    with _writable(file):
        target = file.resolve()
        is_plain = target.is_file() or not target.exists()  # not a pipe or a device
    unfinished = target.with_name(f".{target.name}.unfinished") if is_plain else target
    with _writable(file), unfinished.open("w", encoding="utf-8", newline="\n") as lines:
        try:
            yield lambda text: _write(lines, file, text)
            lines.close()
            unfinished.replace(target)
        finally:
            if is_plain:
                unfinished.unlink(missing_ok=True)


def _write(lines: TextIO, file: Path, text: str) -> None:
    with _writable(file):
        lines.write(text)


@contextmanager
def _writable(file: Path) -> "Iterator[None]":
    """Tell what is wrong with a file; as an OSError it would pass for a lost connection."""
    from backtest_store.errors import StoreError

    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from error
