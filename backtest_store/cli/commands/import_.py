"""`btstore import`: runs from JSON Lines."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtest_store.cli.options import counted, examples
from backtest_store.cli.output.streams import print_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backtest_store.runs.transfer import Imported

EXAMPLES = examples("btstore import runs.jsonl", "zcat runs.jsonl.gz | btstore import -")
MOST_LINES = 10
FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Input file; - is standard input.", allow_dash=True),
]


def import_(
    file: FileArgument,
    *,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Leave out lines that are no runs, and import the rest."),
    ] = False,
) -> None:
    """Store the runs of a file that `btstore export` wrote; those already stored are skipped."""
    from backtest_store.cli.spinner import call
    from backtest_store.runs import transfer

    with _opened(file) as lines:
        parts = transfer.lines_of(lines)
        imported = call(lambda db: transfer.import_runs(db, parts, keep_going=keep_going))
    _report(imported)
    if imported.refused:
        raise typer.Exit(1)


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    """Open a file for its descriptor; standard input's, where Python itself may see it closed."""
    from backtest_store.errors import UsageError

    if str(file) == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed", hint="name a file instead of -")
        yield 0
        return
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _report(imported: Imported) -> None:
    for number, reason in sorted(imported.refused)[:MOST_LINES]:
        print_message(f"line {number}: {reason}")
    said = [f"imported {counted(imported.stored)}"]
    if imported.already_there:
        said.append(f"{imported.already_there:,} already there")
    if imported.refused:
        said.append(f"{len(imported.refused):,} refused")
    print_message(", ".join(said))
