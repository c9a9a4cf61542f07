"""Pivots: a shaded table for people, a record for each cell for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backtest_store.cli.output import for_people, render, tables
from backtest_store.cli.output.cells import Column, figures
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format
from backtest_store.cli.output.tables import TableColumn
from backtest_store.cli.output.terminal_text import printable
from backtest_store.models import METRIC_FIELDS
from backtest_store.runs.expressions.parameters import plain

if TYPE_CHECKING:
    from backtest_store.runs.pivot import Aggregate, Pivot, PivotCell

# From the worst to the best, black on ever greener: readable on a dark and on a light terminal.
SHADES = ("30;48;5;255", "30;48;5;194", "30;48;5;157", "30;48;5;120", "30;48;5;83")
DOWN, RIGHT = (f"\N{NO-BREAK SPACE}{arrow}" for arrow in "\N{DOWNWARDS ARROW}\N{RIGHTWARDS ARROW}")


def write(pivot: Pivot, format_: Format, aggregate: Aggregate) -> None:
    """Print a pivot."""
    if format_ in FOR_PEOPLE and len(pivot.inputs) > 1:
        _write_matrix(pivot, format_, aggregate)
    else:
        write_records(pivot.inputs, pivot.metric, format_, pivot)


def write_records(
    inputs: Sequence[str], metric: str, format_: Format, pivot: Pivot | None = None
) -> None:
    """Print a record for each cell: its inputs, how many runs it has, and their metric."""
    columns = [
        *(Column(f"parameters.{name}", heading=name) for name in inputs),
        Column("runs", "int", "count"),
        *figures(metric),
    ]
    records = (
        [
            [
                *(axis[n] for axis, n in zip(pivot.axes, place, strict=True)),
                *(cell.runs, cell.best, cell.median, cell.worst),
            ]
            for place, cell in sorted(pivot.cells.items())
        ]
        if pivot
        else []
    )
    render.write(columns, records, format_)


def _write_matrix(pivot: Pivot, format_: Format, aggregate: Aggregate) -> None:
    rows, columns = pivot.axes
    shades = {p: SHADES[rank] for p, rank in ranks(pivot, aggregate, len(SHADES)).items()}
    first, second = map(printable, pivot.inputs)
    is_markdown = format_ is Format.MARKDOWN
    between = " " if is_markdown else "\n"
    heads = TableColumn(f"{first}{DOWN}{between}{second}{RIGHT}", _texts(rows))
    drawn = [
        TableColumn(
            _texts([value])[0],
            tuple(shown(pivot, pivot.cells.get((row, n)), aggregate) for row in range(len(rows))),
            colours=[shades.get((row, n), "") for row in range(len(rows))],
            right=True,
        )
        for n, value in enumerate(columns)
    ]
    tables.draw_in_blocks([heads, *drawn], is_markdown=is_markdown)


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(printable(plain(value)) for value in values)


def _value(cell: PivotCell, aggregate: Aggregate) -> float:
    return {"best": cell.best, "median": cell.median, "count": cell.runs}[aggregate]


def shown(pivot: Pivot, cell: PivotCell | None, aggregate: Aggregate) -> str:
    """Return what a cell shows to people."""
    if cell is None:
        return ""
    unit = "count" if aggregate == "count" else METRIC_FIELDS[pivot.metric]["unit"]
    column = Column(pivot.metric, "float", unit)
    return for_people.readable(column, _value(cell, aggregate))


def ranks(pivot: Pivot, aggregate: Aggregate, classes: int) -> dict[tuple[int, ...], int]:
    """Put cells into so many classes by their rank, 0 being the worst."""
    values = {place: _value(cell, aggregate) for place, cell in pivot.cells.items()}
    places = {value: n for n, value in enumerate(sorted({*values.values()}))}
    return {place: places[value] * classes // len(places) for place, value in values.items()}
