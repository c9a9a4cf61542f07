"""The formats: each a class that is given columns and then rows, some at a time.

A new format is a class in a module beside this one, its name in `Format` and its line in `FORMATS`;
every command that prints runs has it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.formats import csv_and_json, for_people, parquet_and_xlsx
from backtest_store.cli.output.streams import StandardOutput

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


FORMATS: dict[Format, type[Writer]] = {
    Format.TABLE: for_people.TableWriter,
    Format.CSV: csv_and_json.CsvWriter,
    Format.JSON: csv_and_json.JsonWriter,
    Format.JSONL: csv_and_json.JsonLinesWriter,
    Format.MARKDOWN: for_people.MarkdownWriter,
    Format.PARQUET: parquet_and_xlsx.ParquetWriter,
    Format.XLSX: parquet_and_xlsx.WorkbookWriter,
}
