"""One record for people: its fields below each other, in blocks, long text last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TextIO

from backtest_store.cli import readable, tables
from backtest_store.cli.cells import Cell, Column
from backtest_store.cli.tables import Strip


def write(
    columns: Sequence[Column], values: Sequence[Cell], out: TextIO, *, markdown: bool = False
) -> None:
    """Write a record as a table of two columns, what it does not have left out."""
    shown = [(c, v) for c, v in zip(columns, values, strict=True) if v not in (None, "", [], "{}")]
    strips = [
        Strip("field", [column.name for column, _ in shown]),
        Strip(
            "value",
            [readable.in_full(column, value) for column, value in shown],
            [readable.colour(column, value) for column, value in shown],
            flexible=True,
        ),
    ]
    if markdown:
        tables.draw(strips, out, tables.MARKDOWN)
    else:
        tables.draw(tables.fitted(strips, tables.terminal_width()), out)
