"""The formats: each a class that is given columns and then rows, some at a time.

A new format is a class in a module beside this one, its name in `Format` and its line in `FORMATS`;
every command that prints runs has it then.
"""

from __future__ import annotations

from enum import StrEnum
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backtest_store.cli.output.cells import Column
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


class Writer(Protocol):
    """Writes rows under columns; what has nothing after its last row has no `close` of its own."""

    def __init__(
        self, columns: Sequence[Column], out: StandardOutput, shown: Sequence[str] = ()
    ) -> None:
        """Begin; `shown` names the columns for people, the most needed first."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write some rows."""

    def close(self) -> None:
        """Write what comes after the last row."""


# Where the class of each is; what it needs is loaded when it is asked for.
FORMATS = {
    Format.TABLE: "backtest_store.cli.output.formats.tables_and_markdown:TableWriter",
    Format.CSV: "backtest_store.cli.output.formats.csv_and_json:CsvWriter",
    Format.JSON: "backtest_store.cli.output.formats.csv_and_json:JsonWriter",
    Format.JSONL: "backtest_store.cli.output.formats.csv_and_json:JsonLinesWriter",
    Format.MARKDOWN: "backtest_store.cli.output.formats.tables_and_markdown:MarkdownWriter",
    Format.PARQUET: "backtest_store.cli.output.formats.parquet_and_xlsx:ParquetWriter",
    Format.XLSX: "backtest_store.cli.output.formats.parquet_and_xlsx:WorkbookWriter",
}


def writer_of(format_: Format) -> type[Writer]:
    """Return the class that writes a format."""
    found: type[Writer] = resolve_name(FORMATS[format_])
    return found
