"""CSV, JSON and JSON Lines: a value is written one way, whatever stands around it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, datetime
from json.encoder import encode_basestring, encode_basestring_ascii
from math import inf
from typing import Any
from uuid import UUID

from backtest_store.cli.output.cells import EXACT, Column, Encoders
from backtest_store.cli.output.formats.csv_formulas import inert, inert_json
from backtest_store.cli.output.formats.format_list import Writer
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.terminal_text import printable, printable_json

LIST_SEPARATOR = ";"
Row = Sequence[object]


class CsvWriter(Writer):
    """Comma-separated values, a row of names first."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, _: Sequence[str] = ()
    ) -> None:
        self._writer = csv.writer(out, lineterminator="\n")
        self._lists = [n for n, column in enumerate(columns) if column.type == "list[str]"]
        self._writer.writerow([CSV_TEXTS[str](column.name) for column in columns])

    def write(self, rows: Sequence[Row]) -> None:
        """Write a line for each row."""
        self._writer.writerows([self._encoded(row) for row in rows])

    def _encoded(self, row: Row) -> list[str]:
        values = list(row)
        for place in self._lists:
            values[place] = LIST_SEPARATOR.join(values[place] or ())  # type: ignore[arg-type]
        return [CSV_TEXTS[type(value)](value) for value in values]


class JsonLinesWriter(Writer):
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
        return f"{{{', '.join([f'{name}: {JSON_TEXTS[type(v)](v)}' for name, v in named])}}}"


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


_encoded = json.JSONEncoder(ensure_ascii=False).encode


def _nested(value: object) -> str:
    return printable_json(_encoded(value))


def _json_string(text: Any) -> str:
    return printable_json(encode_basestring(text))


def _json_time(time: Any) -> str:
    return f'"{time.isoformat()}"'


def _json_float(value: Any) -> str:
    return '"Infinity"' if value == inf else repr(value)


CSV_TEXTS = Encoders(
    EXACT
    | {
        type(None): lambda _: "",
        str: lambda value: inert(printable(value)),
        list: lambda value: inert_json(_nested(value)),
        dict: lambda value: inert_json(_nested(value)),
    }
)
JSON_TEXTS = Encoders(
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
