"""The formats: each a class that is given columns and then rows, some at a time.

A new format is a class here, its line in `FORMATS` and its name in `Format`; every command that
prints runs has it then. A value is written one way whatever the command, the option or the rows
around it: `csv_text` and `json_text` see nothing but the value.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from json.encoder import encode_basestring, encode_basestring_ascii
from math import inf
from typing import Any, Protocol
from uuid import UUID

from backtest_store.cli.output.cells import EXACT, Column, Encoders
from backtest_store.cli.output.formats import binary, spreadsheet
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.text import printable, printable_json

LIST_SEPARATOR = ";"
Row = Sequence[object]


class Format(StrEnum):
    """How runs are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    PARQUET = "parquet"
    XLSX = "xlsx"


FOR_PEOPLE = (Format.TABLE, Format.MARKDOWN)
NOT_TEXT = (Format.PARQUET, Format.XLSX)


class Writer(Protocol):
    """What writes rows under columns."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, shown: Sequence[str] = ()
    ) -> None:
        """Begin; `shown` names the columns for people, the most needed first."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Write what comes after the last row."""


class CsvWriter:
    """Comma-separated values, a row of names first."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, _: Sequence[str] = ()
    ) -> None:
        self._writer = csv.writer(out, lineterminator="\n")
        self._lists = [n for n, column in enumerate(columns) if column.type == "list[str]"]
        self._writer.writerow([csv_text(column.name) for column in columns])

    def write(self, rows: Sequence[Row]) -> None:
        """Write a line for each row."""
        self._writer.writerows([self._encoded(row) for row in rows])

    def _encoded(self, row: Row) -> list[str]:
        values = list(row)
        for place in self._lists:
            values[place] = LIST_SEPARATOR.join(values[place] or ())  # type: ignore[arg-type]
        return [_CSV[type(value)](value) for value in values]

    def close(self) -> None:
        """Write nothing more."""


class JsonLinesWriter:
    """One JSON object a line."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, _: Sequence[str] = ()
    ) -> None:
        self._names = [encode_basestring_ascii(column.name) for column in columns]
        self._out = out

    def write(self, rows: Sequence[Row]) -> None:
        """Write an object for each row."""
        self._out.writelines(f"{self.object(row)}\n" for row in rows)

    def object(self, row: Row) -> str:
        """Return a row as a JSON object."""
        named = zip(self._names, row, strict=True)
        return (
            "{" + ", ".join([f"{name}: {_JSON[type(value)](value)}" for name, value in named]) + "}"
        )

    def close(self) -> None:
        """Write nothing more."""


class JsonWriter(JsonLinesWriter):
    """One JSON array of objects, one a line."""

    _before = "[\n"

    def write(self, rows: Sequence[Row]) -> None:
        """Write an object for each row."""
        for row in rows:
            self._out.write(self._before + self.object(row))
            self._before = ",\n"

    def close(self) -> None:
        """Write the end of the array."""
        self._out.write("[]\n" if self._before == "[\n" else "\n]\n")


class TableWriter:
    """Tables that fit the terminal, one for each time that rows are written."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, shown: Sequence[str] = ()
    ) -> None:
        self._columns = columns
        self._out = out
        self._shown = shown

    def write(self, rows: Sequence[Row]) -> None:
        """Write a table."""
        from backtest_store.cli.output import readable, tables

        if rows:
            self.draw(readable.table_columns(self._columns, rows, self._shown), tables)

    def draw(self, columns: Any, tables: Any) -> None:
        """Draw columns that are ready for reading."""
        tables.draw(tables.fitted(columns, tables.terminal_width()), self._out)

    def close(self) -> None:
        """Write nothing more."""


class MarkdownWriter(TableWriter):
    """Markdown tables."""

    def draw(self, columns: Any, tables: Any) -> None:
        """Draw columns that are ready for reading."""
        tables.draw_markdown(columns, self._out)


FORMATS: dict[Format, type[Writer]] = {
    Format.TABLE: TableWriter,
    Format.CSV: CsvWriter,
    Format.JSON: JsonWriter,
    Format.JSONL: JsonLinesWriter,
    Format.MARKDOWN: MarkdownWriter,
    Format.PARQUET: binary.ParquetWriter,
    Format.XLSX: binary.WorkbookWriter,
}


def csv_text(value: object) -> str:
    """Return a value as a CSV cell that no terminal and no spreadsheet acts on."""
    return _CSV[type(value)](value)


def json_text(value: object) -> str:
    """Return a value as JSON, in which control characters are escaped."""
    return _JSON[type(value)](value)


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _nested(value: object) -> str:
    return printable_json(_encode(value))


def _json_string(text: Any) -> str:
    return printable_json(encode_basestring(text))


def _json_time(time: Any) -> str:
    return f'"{time.isoformat()}"'


def _json_float(value: Any) -> str:
    return '"Infinity"' if value == inf else repr(value)


_CSV = Encoders(
    EXACT
    | {
        type(None): lambda _: "",
        str: lambda value: spreadsheet.inert(printable(value)),
        list: lambda value: spreadsheet.inert_json(_nested(value)),
        dict: lambda value: spreadsheet.inert_json(_nested(value)),
    }
)
_JSON = Encoders(
    EXACT
    | {
        type(None): lambda _: "null",
        float: _json_float,
        str: _json_string,
        UUID: '"{}"'.format,
        date: _json_time,
        datetime: _json_time,
        list: _nested,
        dict: _nested,
    }
)
