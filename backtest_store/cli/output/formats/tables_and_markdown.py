"""Tables on a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from backtest_store.cli.output import for_people, tables
from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.formats.format_list import Writer
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.tables import TableColumn
from backtest_store.cli.output.terminal_text import terminal_width

Row = Sequence[object]


class TableWriter(Writer):
    """Tables that fit the terminal, one for each time that rows are written."""

    def __init__(
        self, columns: Sequence[Column], _: StandardOutput, shown: Sequence[str] = ()
    ) -> None:
        self._columns = columns
        self._shown = shown

    def write(self, rows: Sequence[Row]) -> None:
        """Write a table."""
        if rows:
            self.draw(for_people.table_columns(self._columns, rows, self._shown))

    def draw(self, columns: Sequence[TableColumn]) -> None:
        """Draw columns that are ready for reading."""
        tables.draw(tables.fitted(columns, terminal_width()))


class MarkdownWriter(TableWriter):
    """Markdown tables."""

    def draw(self, columns: Sequence[TableColumn]) -> None:
        """Draw columns that are ready for reading."""
        tables.draw_markdown(columns)
