"""Models in, text out; no command formats anything itself.

A format is one function of a sheet, in `FORMATS` under its name: a new one is that function, its
line there, and the name in `options.Format`. Every command that prints runs has it then.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, NamedTuple

from backtest_store.cli.options import Format
from backtest_store.cli.output import cells
from backtest_store.cli.output.cells import Cell, Column
from backtest_store.cli.output.streams import StandardOutput, print_message
from backtest_store.cli.output.text import printable
from backtest_store.models import Json, Record
from backtest_store.store.fields import LISTED

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from backtest_store.runs.compare import Comparison

FOR_PEOPLE = (Format.TABLE, Format.MARKDOWN)
LISTED_COLUMNS = tuple(column for column in cells.columns(Record) if column.name in LISTED)


class Sheet(NamedTuple):
    """Rows of cells under columns; `shown` names the columns for people, the most needed first."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    shown: Sequence[str] = ()


def many(
    records: Sequence[DataclassInstance],
    format_: Format,
    columns: Sequence[Column] = LISTED_COLUMNS,
    *,
    shown: Sequence[str] = (),
    nothing: Callable[[], str] | None = None,
) -> None:
    """Print records, one a row: runs as lists have them, unless other columns are given.

    If there are none, the header or the empty list is printed all the same, and `nothing` is
    said on standard error.
    """
    if nothing and not records:
        print_message(nothing())
    if shown and format_ in FOR_PEOPLE:
        columns = [column for column in columns if column.name in shown]
    write(Sheet(columns, [cells.row(record, columns) for record in records], shown), format_)


def one(record: DataclassInstance, format_: Format) -> None:
    """Print one record: its fields below each other, one object, or one row."""
    columns = cells.columns(type(record))
    values = cells.row(record, columns)
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output import records

        records.write(columns, values, StandardOutput(), format_)
    else:
        write(Sheet(columns, [values]), Format.JSONL if format_ is Format.JSON else format_)


def side_by_side(comparison: Comparison, format_: Format, *, all_parameters: bool = False) -> None:
    """Print runs beside each other for people; for machines one record a run."""
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output import comparisons

        comparisons.write(comparison, StandardOutput(), format_, all_parameters=all_parameters)
    elif format_ is Format.CSV:
        write(_with_parameters(comparison), format_)
    else:
        many(comparison.runs, format_, cells.columns(Record))


def facts(named: Mapping[str, str]) -> None:
    """Print facts below each other, each after its name."""
    from backtest_store.cli.output import tables

    names, texts = zip(*((n, printable(text)) for n, text in named.items()), strict=True)
    tables.draw_bare(
        [tables.TableColumn("", names), tables.TableColumn("", texts)], StandardOutput()
    )


def document(value: Json, format_: Format = Format.JSON) -> None:
    """Print a JSON document, laid out for reading or as one line."""
    indent = None if format_ is Format.JSONL else 2
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_in_json)
    StandardOutput().write(cells.printable_lines(text) + "\n")


def sparklines(records: Sequence[DataclassInstance], *fields: str) -> None:
    """Print the course of some fields on a terminal, a character a record."""
    out = StandardOutput()
    if out.isatty() and len(records) > 1:
        from backtest_store.cli.output import readable

        for field in fields:
            line = readable.sparkline([getattr(record, field) for record in records])
            out.write(f"{readable.heading(field)}: {line}\n")


def write(sheet: Sheet, format_: Format) -> None:
    """Print a sheet on standard output."""
    out = StandardOutput()
    FORMATS[format_](sheet, out)
    out.flush()


def as_csv(sheet: Sheet, out: StandardOutput) -> None:
    """Write comma-separated values, a row of names first."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cells.harmless(column.name) for column in sheet.columns])
    writer.writerows(_encoded(sheet, cells.csv_encoder, None))


def as_json(sheet: Sheet, out: StandardOutput) -> None:
    """Write one array of objects, one a line."""
    out.write("[\n" + ",\n".join(_objects(sheet)) + "\n]\n" if sheet.rows else "[]\n")


def as_jsonl(sheet: Sheet, out: StandardOutput) -> None:
    """Write one object a line."""
    out.writelines(line + "\n" for line in _objects(sheet))


def as_table(sheet: Sheet, out: StandardOutput) -> None:
    """Write a table that fits the terminal."""
    from backtest_store.cli.output import readable, tables

    if sheet.rows:
        table_columns = readable.table_columns(sheet.columns, sheet.rows, sheet.shown)
        tables.draw(tables.fitted(table_columns, tables.terminal_width()), out)


def as_markdown(sheet: Sheet, out: StandardOutput) -> None:
    """Write a Markdown table."""
    from backtest_store.cli.output import readable, tables

    if sheet.rows:
        tables.draw_markdown(readable.table_columns(sheet.columns, sheet.rows, sheet.shown), out)


FORMATS: dict[Format, Callable[[Sheet, StandardOutput], None]] = {
    Format.TABLE: as_table,
    Format.CSV: as_csv,
    Format.JSON: as_json,
    Format.JSONL: as_jsonl,
    Format.MARKDOWN: as_markdown,
}


def _in_json(value: object) -> float | str:
    """Write what JSON lacks: an amount stays a number, an id or a time is text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _objects(sheet: Sheet) -> Iterator[str]:
    """Yield each row as a JSON object."""
    names = [encode_basestring_ascii(column.name) for column in sheet.columns]
    for row in _encoded(sheet, cells.json_encoder, "null"):
        yield (
            "{" + ", ".join(f"{name}: {cell}" for name, cell in zip(names, row, strict=True)) + "}"
        )


def _encoded(
    sheet: Sheet, encoder: Callable[[Column], Callable[[Any], str]], undefined: str | None
) -> Iterator[list[str | None]]:
    """Yield each row with its cells encoded for their columns."""
    encoders = [encoder(column) for column in sheet.columns]
    for row in sheet.rows:
        yield [
            undefined if cell is None else encode(cell)
            for encode, cell in zip(encoders, row, strict=True)
        ]


def _with_parameters(comparison: Comparison) -> Sheet:
    """Return whole runs, with a column for each parameter in place of one for all."""
    columns = [
        column._replace(type=cells.EXACT_FLOAT) if column.type == "float" else column
        for column in cells.columns(Record)
        if column.name != "parameters"
    ]
    rows = [cells.row(run, columns) for run in comparison.runs]
    for name, values in comparison.parameters().items():
        columns.append(Column(f"parameters.{name}", cells.json_type(values)))
        for row, value in zip(rows, values, strict=True):
            row.append(cells.json_cell(value))
    return Sheet(columns, rows)
