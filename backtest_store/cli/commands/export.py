"""`btstore export`: runs as JSON Lines."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from backtest_store.cli.options import (
    OverwriteOption,
    counted,
    examples,
    no_runs_message,
    with_filters,
)
from backtest_store.cli.output.streams import print_message
from backtest_store.runs.expressions.asked_filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncpg import Connection

    from backtest_store.cli.output.output_file import Write


EXAMPLES = examples(
    "btstore export runs.jsonl",
    'btstore export - --strategy "SMA Crossover" | gzip > sma.jsonl.gz',
)
FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Output file; - is standard output.", allow_dash=True),
]


@with_filters()
def export(
    file: FileArgument,
    *,
    yes: OverwriteOption = False,
    format_: Annotated[
        Literal["jsonl", "parquet"],
        typer.Option(
            "--format", help="What to write; Parquet is one way, only jsonl can be imported."
        ),
    ] = "jsonl",
    filters: Filters,
) -> None:
    """Write whole runs as JSON Lines, which `btstore import` reads, or as Parquet, for analysis."""
    from backtest_store.cli.output.terminal_text import printable_lines
    from backtest_store.cli.spinner import read
    from backtest_store.runs import transfer

    where = filters.conditions
    with _output(file, yes=yes) as write:
        if format_ == "parquet":
            runs = read(lambda db: _parquet(db, filters, write), filters)
        else:
            runs = read(
                lambda db: transfer.export(db, where, lambda lines: write(printable_lines(lines))),
                filters,
            )
    print_message(f"exported {counted(runs)}" if runs else no_runs_message(filters))


async def _parquet(db: Connection, filters: Filters, write: Write) -> int:
    """Write whole runs as Parquet, some at a time, and return how many there were."""
    from backtest_store.cli.output import cells
    from backtest_store.cli.output.formats.parquet_and_xlsx import FileOutput, ParquetWriter
    from backtest_store.models import RECORD_FIELDS, Record
    from backtest_store.store import queries, sql

    writer, runs = ParquetWriter(cells.columns(Record), FileOutput(write)), 0
    every = queries.list_runs(filters.conditions, "started_at", RECORD_FIELDS)
    async for rows in sql.batches(db, every):
        writer.write(rows)
        runs += len(rows)
    writer.close()
    return runs


@contextmanager
def _output(file: Path, *, yes: bool) -> Iterator[Write]:
    from backtest_store.cli.output.output_file import written
    from backtest_store.cli.output.streams import StandardOutput

    if str(file) == "-":
        out = StandardOutput()
        yield (
            lambda content: (
                out.write(content) if isinstance(content, str) else out.write_bytes(content)
            )
        )
        out.flush()
        return
    with written(file, yes=yes) as write:
        yield write
