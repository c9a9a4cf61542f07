"""Models in, text out. A format is one function of a sheet; no command formats anything itself."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, TextIO

from backtest_store.cli import cells
from backtest_store.cli.cells import Cell, Column
from backtest_store.cli.options import Format
from backtest_store.models import UNLISTED, Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from backtest_store.cli.tables import Strip
    from backtest_store.compare import Comparison

LISTED = tuple(column for column in cells.columns(Record) if column.name not in UNLISTED)


@dataclass(frozen=True)
class Sheet:
    """Rows of cells under columns; `shown` names the columns for people, least needed last."""

    columns: tuple[Column, ...]
    rows: Iterable[Sequence[Cell]]
    shown: Sequence[str] = ()


def many(
    records: Iterable[DataclassInstance],
    format_: Format,
    columns: tuple[Column, ...] = LISTED,
    *,
    shown: Sequence[str] = (),
    nothing: str = "",
) -> None:
    """Print records, one a row; if there are none, say so on standard error."""
    rows = (cells.row(record, columns) for record in records)
    write(Sheet(columns, rows, shown), format_, nothing)


def one(record: DataclassInstance, format_: Format) -> None:
    """Print one record: its fields below each other, one object, or one row."""
    columns = cells.columns(type(record))
    values = cells.row(record, columns)
    if format_ in (Format.TABLE, Format.MARKDOWN):
        from backtest_store.cli import records

        records.write(columns, values, sys.stdout, markdown=format_ is Format.MARKDOWN)
    else:
        sheet = Sheet(columns, [values])
        (as_jsonl if format_ is Format.JSON else FORMATS[format_])(sheet, sys.stdout)


def side_by_side(
    comparison: Comparison, format_: Format, *, all_parameters: bool = False
) -> None:
    """Print runs beside each other for people; for machines one record a run."""
    if format_ in (Format.TABLE, Format.MARKDOWN):
        from backtest_store.cli import comparisons

        comparisons.write(
            comparison,
            comparison.parameters() if all_parameters else comparison.differing_parameters(),
            sys.stdout,
            markdown=format_ is Format.MARKDOWN,
        )
    elif format_ is Format.CSV:
        write(_spread(comparison), format_)
    else:
        many(comparison.runs, format_, columns=cells.columns(Record))


def write(sheet: Sheet, format_: Format, nothing: str = "") -> None:
    """Print a sheet on standard output; if it has no rows, say so on standard error."""
    rows = iter(sheet.rows)
    first = list(islice(rows, 1))
    if nothing and not first:
        print(nothing, file=sys.stderr)
    FORMATS[format_](replace(sheet, rows=chain(first, rows)), sys.stdout)


def as_csv(sheet: Sheet, out: TextIO) -> None:
    """Write comma-separated values, a row of names first."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cells.harmless(column.name) for column in sheet.columns])
    writer.writerows(_encoded(sheet, cells.csv_encoder, None))


def as_json(sheet: Sheet, out: TextIO) -> None:
    """Write one array of objects, one a line."""
    separator = "[\n"
    for line in _objects(sheet):
        out.write(separator + line)
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def as_jsonl(sheet: Sheet, out: TextIO) -> None:
    """Write one object a line."""
    out.writelines(line + "\n" for line in _objects(sheet))


def as_table(sheet: Sheet, out: TextIO) -> None:
    """Write a table that fits the terminal."""
    from backtest_store.cli import tables

    if strips := _strips(sheet):
        tables.draw(tables.fitted(strips, tables.terminal_width()), out)


def as_markdown(sheet: Sheet, out: TextIO) -> None:
    """Write a Markdown table."""
    from backtest_store.cli import tables

    tables.draw(_strips(sheet), out, tables.MARKDOWN)


def _strips(sheet: Sheet) -> list[Strip]:
    from backtest_store.cli import readable

    return readable.strips(sheet.columns, list(sheet.rows), sheet.shown)


FORMATS: dict[Format, Callable[[Sheet, TextIO], None]] = {
    Format.TABLE: as_table,
    Format.CSV: as_csv,
    Format.JSON: as_json,
    Format.JSONL: as_jsonl,
    Format.MARKDOWN: as_markdown,
}


def _objects(sheet: Sheet) -> Iterator[str]:
    """Yield each row as a JSON object."""
    names = [encode_basestring_ascii(column.name).replace("%", "%%") for column in sheet.columns]
    template = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    for row in _encoded(sheet, cells.json_encoder, "null"):
        yield template % tuple(row)


def _encoded(
    sheet: Sheet, encoder: Callable[[Column], Callable[[Cell], str]], undefined: str | None
) -> Iterator[list[str | None]]:
    """Yield each row with its cells encoded for their columns."""
    encoders = [encoder(column) for column in sheet.columns]
    for row in sheet.rows:
        yield [
            undefined if cell is None else encode(cell)
            for encode, cell in zip(encoders, row, strict=True)
        ]


def _spread(comparison: Comparison) -> Sheet:
    """Give each parameter a column of its own, after the fields."""
    columns = [column for column in cells.columns(Record) if column.name != "parameters"]
    rows = [cells.row(run, columns) for run in comparison.runs]
    for name, values in comparison.parameters().items():
        columns.append(Column(f"parameters.{name}", cells.json_type(values)))
        for row, value in zip(rows, values, strict=True):
            row.append(cells.json_cell(value))
    return Sheet(tuple(columns), rows)
