"""Models in, text out; no command formats anything itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backtest_store.cli.output import cells
from backtest_store.cli.output.cells import RECORD_COLUMNS, Column
from backtest_store.cli.output.formats.format_list import FOR_PEOPLE, Format, writer_of
from backtest_store.cli.output.streams import StandardOutput, print_message
from backtest_store.cli.output.terminal_text import printable, printable_lines
from backtest_store.models import METRIC_FIELDS, Json, Record
from backtest_store.store.record_fields import LISTED

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from backtest_store.runs.compare import Comparison

LISTED_COLUMNS = tuple(RECORD_COLUMNS[name] for name in LISTED)


def many(
    records: Sequence[DataclassInstance],
    format_: Format,
    columns: Sequence[Column] = LISTED_COLUMNS,
    *,
    shown: Sequence[str] = (),
    nothing: str = "",
) -> None:
    """Print all records that there are, one a row."""
    if format_ in FOR_PEOPLE and "parameters" in shown:
        from backtest_store.cli.output import run_lists

        runs = [record for record in records if isinstance(record, Record)]
        columns, rows, shown = run_lists.expanded(runs, columns, shown)
    else:
        if shown and format_ in FOR_PEOPLE:
            columns = [column for column in columns if column.name in shown]
        rows = [[getattr(record, column.name) for column in columns] for record in records]
    write(columns, rows, format_, shown=shown, nothing=nothing)


def write(
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    format_: Format,
    *,
    shown: Sequence[str] = (),
    nothing: str = "",
) -> None:
    """Print rows of values; if there are none, what there is before them, and `nothing` beside."""
    if nothing and not rows:
        print_message(nothing)
    writer = writer_of(format_)(columns, StandardOutput(), shown)
    writer.write(rows)
    writer.close()
    StandardOutput().flush()


def one(record: DataclassInstance, format_: Format) -> None:
    """Print one record: its fields below each other, one object, or one row."""
    columns = cells.columns(type(record))
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output import field_list

        field_list.write(columns, [getattr(record, c.name) for c in columns], format_)
    else:
        many([record], Format.JSONL if format_ is Format.JSON else format_, columns)


def side_by_side(comparison: Comparison, format_: Format, *, everything: bool = False) -> None:
    """Print runs beside each other for people; for machines one record a run."""
    if format_ in FOR_PEOPLE:
        from backtest_store.cli.output.pages import comparison_page

        comparison_page.write(comparison, format_, everything=everything)
        return
    columns = [*cells.columns(Record)]
    rows = [[getattr(run, column.name) for column in columns] for run in comparison.runs]
    if format_ is Format.CSV:
        columns, rows = _spread(columns, rows, comparison.parameters())
    if comparison.split is not None:
        columns, rows = _with_sides(columns, rows, comparison)
    if comparison.baseline is not None:
        columns, rows = _with_deltas(columns, rows, comparison)
    write(columns, rows, format_)


def facts(named: Mapping[str, str]) -> None:
    """Print facts below each other, each after its name."""
    from backtest_store.cli.output import tables

    names, texts = zip(*((n, printable(text)) for n, text in named.items()), strict=True)
    tables.draw([tables.TableColumn("", names), tables.TableColumn("", texts)], "plain")


def document(value: Json, format_: Format = Format.JSON) -> None:
    """Print a JSON document, laid out for reading or as one line."""
    indent = None if format_ is Format.JSONL else 2
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_in_json)
    StandardOutput().write(printable_lines(text) + "\n")


def sparkline(label: str, values: Sequence[float | None]) -> None:
    """Print the course of a figure on a terminal, a character a value."""
    out = StandardOutput()
    if out.isatty() and len(values) > 1:
        from backtest_store.cli.output import for_people

        out.write(f"{label}: {for_people.sparkline(values)}\n")


def _in_json(value: object) -> float | str:
    """Write what JSON lacks: an amount stays a number, an id or a time is text."""
    return float(value) if isinstance(value, Decimal) else str(value)


def _spread(
    columns: Sequence[Column], rows: Sequence[list[Any]], parameters: Mapping[str, Sequence[object]]
) -> tuple[list[Column], list[list[Any]]]:
    """Put a column for each parameter in place of one for all."""
    place = [column.name for column in columns].index("parameters")
    spread = [Column(f"parameters.{name}", "Json") for name in parameters]
    return (
        [*columns[:place], *columns[place + 1 :], *spread],
        [
            [*row[:place], *row[place + 1 :], *values]
            for row, *values in zip(rows, *parameters.values(), strict=True)
        ],
    )


def _with_sides(
    columns: Sequence[Column], rows: Sequence[list[Any]], comparison: Comparison
) -> tuple[list[Column], list[list[Any]]]:
    """Add how each run did on both sides of the month at which they are split."""
    from backtest_store.runs.compare import SIDES

    sides = [comparison.sides(run) for run in comparison.runs]
    more = [Column(f"{side}_{name}", "float") for side in ("before", "after") for name in SIDES]
    values = [[getattr(s, name, None) for s in both for name in SIDES] for both in sides]
    return [*columns, *more], [[*row, *side] for row, side in zip(rows, values, strict=True)]


def _with_deltas(
    columns: Sequence[Column], rows: Sequence[list[Any]], comparison: Comparison
) -> tuple[list[Column], list[list[Any]]]:
    """Add by how much each metric of a run differs from the baseline's."""
    measured = [c for c in columns if c.name in METRIC_FIELDS and c.is_number]
    more = [Column(f"delta_{column.name}", column.type) for column in measured]
    places = range(len(rows))
    deltas = [[comparison.delta(column.name, n) for column in measured] for n in places]
    return [*columns, *more], [[*row, *by] for row, by in zip(rows, deltas, strict=True)]
