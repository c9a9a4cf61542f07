"""Formats that are no text: Parquet and workbooks of spreadsheets, by libraries that are extras."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from backtest_store.errors import StoreError
from backtest_store.runs.notebooks.data_frames import imported
from backtest_store.runs.notebooks.typed_columns import KINDS, Kind, typed

if TYPE_CHECKING:
    from backtest_store.cli.output.cells import Column
    from backtest_store.cli.output.streams import StandardOutput

Row = Sequence[object]
CHUNK = 2**20  # bytes
GROUP = 10_000  # rows, which are compressed together
PLAIN = "plain"  # the unit of a column whose values are of any kind, as a parameter's
MOST_ROWS = 2**20 - 1  # of a sheet, beside the header
LONGEST_CELL = 32_767


class FileOutput:
    """A file that a function writes."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write

    def write_bytes(self, content: bytes) -> None:
        """Write some."""
        self._write(content)

    def isatty(self) -> bool:
        """Say that it is no terminal."""
        return False


class ParquetWriter:
    """A Parquet file: a column a field, some thousand rows a group.

    Money is float64, documents are JSON text. The type of a parameter's column is known at the end
    only, so rows that have one are kept until then.
    """

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput | FileOutput, _: Sequence[str] = ()
    ) -> None:
        require_no_terminal(out)
        imported("pyarrow", "--format parquet")
        self._out = out
        self._columns = columns
        self._is_typed = not any(map(is_plain, columns))
        self._rows: list[Row] = []
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._parquet: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        """Write a group of rows, or keep it."""
        self._rows += rows
        if self._is_typed and len(self._rows) >= GROUP:
            self._write_group()

    def _write_group(self) -> None:
        arrow = imported("pyarrow", "--format parquet")
        parquet = imported("pyarrow.parquet", "--format parquet")
        fields, arrays = [], []
        for place, column in enumerate(self._columns):
            kind, values = _values(column, [row[place] for row in self._rows])
            type_ = _arrow_type(arrow, kind)
            fields.append(arrow.field(column.name, type_))
            arrays.append(arrow.array(values, type_))
        table = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields))
        if self._parquet is None:
            self._parquet = parquet.ParquetWriter(self._file, table.schema)
        self._parquet.write_table(table)
        self._rows = []

    def close(self) -> None:
        """Write what is left, and let all of it out."""
        if self._rows or self._parquet is None:
            self._write_group()
        self._parquet.close()
        _copy(self._file, self._out)


def is_plain(column: Column) -> bool:
    """Say whether a column has values of any kind."""
    return column.unit == PLAIN or column.name.startswith("parameters.")


def _values(column: Column, values: list[Any]) -> tuple[Kind, list[Any]]:
    if is_plain(column):
        _, kind, values = typed(column.name, values)
        return kind, values
    kind = KINDS.get(column.type, "text")
    if kind == "number":
        return kind, [None if value is None else float(value) for value in values]
    if kind in {"json", "text"}:
        return kind, [_text(value) for value in values]
    return kind, values


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    is_nested = isinstance(value, dict | list)
    return json.dumps(value, ensure_ascii=False) if is_nested else str(value)


def _arrow_type(arrow: Any, kind: Kind) -> Any:
    types = {
        "truth": arrow.bool_(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "time": arrow.timestamp("us", "UTC"),
        "date": arrow.date32(),
        "texts": arrow.list_(arrow.string()),
        "numbers": arrow.list_(arrow.float64()),
    }
    return types.get(kind, arrow.string())


class WorkbookWriter:
    """A workbook of one sheet, as spreadsheets open it; nothing in it is a formula or a link."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput | FileOutput, _: Sequence[str] = ()
    ) -> None:
        require_no_terminal(out)
        self._out = out
        library = imported("xlsxwriter", "--format xlsx")
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._book = library.Workbook(
            self._file, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}
        )
        self._sheet = self._book.add_worksheet("runs")
        self._sheet.freeze_panes(1, 1)
        self._next = 0
        self._write_row([column.name for column in columns])

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows below each other."""
        if self._next + len(rows) > MOST_ROWS + 1:
            raise StoreError(
                f"a sheet has room for {MOST_ROWS:,} runs", hint="use --format parquet or csv"
            )
        for row in rows:
            self._write_row(row)

    def _write_row(self, row: Row) -> None:
        for place, value in enumerate(row):
            self._write_cell(place, value)
        self._next += 1

    def _write_cell(self, place: int, value: object) -> None:
        sheet, at = self._sheet, (self._next, place)
        match value:
            case None:
                return
            case bool():
                sheet.write_boolean(*at, value)
            case int() | float() | Decimal() if isfinite(value):
                sheet.write_number(*at, float(value))
            case datetime():
                sheet.write_datetime(*at, value.astimezone(UTC).replace(tzinfo=None))
            case date():
                sheet.write_datetime(*at, value)
            case list() if all(isinstance(each, str) for each in value):
                sheet.write_string(*at, ";".join(value)[:LONGEST_CELL])
            case _:
                text = "Infinity" if isinstance(value, float) else _text(value) or ""
                sheet.write_string(*at, text[:LONGEST_CELL])

    def close(self) -> None:
        """Finish the workbook, and let it out."""
        self._book.close()
        _copy(self._file, self._out)


def require_no_terminal(out: StandardOutput | FileOutput) -> None:
    """Refuse to write to a terminal what no person can read."""
    if out.isatty():
        raise StoreError(
            "this format is no text for a terminal", hint="write it into a file: > FILE"
        )


def _copy(file: IO[bytes], out: StandardOutput | FileOutput) -> None:
    with file:
        file.seek(0)
        while chunk := file.read(CHUNK):
            out.write_bytes(chunk)
