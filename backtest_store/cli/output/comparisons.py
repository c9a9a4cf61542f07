"""A comparison for people: a column a run, a row a fact, the best of each metric marked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from backtest_store.cli.output import cells, readable, tables
from backtest_store.cli.output.cells import Column
from backtest_store.cli.output.readable import UNDEFINED
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.tables import TableColumn
from backtest_store.cli.output.text import printable, shorten, width
from backtest_store.cli.output.writers import Format
from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.runs.compare import Comparison

COLUMNS = {column.name: column for column in cells.columns(Record)}
FACTS = (
    "status",
    "started_at",
    "strategy_name",
    "strategy_type",
    "instrument_ids",
    "start_date",
    "end_date",
    "initial_capital",
    "currency",
    "data_source",
    "tags",
)
ONLY_IN_FORMULAS = {"returns_autocorrelation"}
METRICS = tuple(
    name
    for name, field in METRIC_FIELDS.items()
    if field["unit"] not in {"text", "json"} and name not in ONLY_IN_FORMULAS
)
GREEN = "32"
LONGEST_TEXT = 24
PERCENTAGE_POINTS = " pp"  # what +5% of 10% would be, nobody knows
LEAST_LABEL, LONGEST_LABEL = 24, 40
EVERYTHING = sys.maxsize


class Line(NamedTuple):
    """A row of the comparison: what it is about, and a text and a colour for each run."""

    label: str
    texts: Sequence[str]
    colours: Sequence[str]
    is_number: bool = False


def write(
    comparison: Comparison, out: StandardOutput, format_: Format, *, all_parameters: bool
) -> None:
    """Write a comparison, in several tables if the terminal is too narrow for one."""
    every = table_columns(comparison, all_parameters=all_parameters)
    if format_ is Format.MARKDOWN:
        tables.draw_markdown(every, out)
    else:
        for number, some in enumerate(tables.blocks(every, tables.terminal_width())):
            out.write("\n" if number else "")
            tables.draw(some, out)


def table_columns(comparison: Comparison, *, all_parameters: bool) -> list[TableColumn]:
    """Return a comparison as table_columns, the first of them the labels."""
    ids = [str(run.run_id) for run in comparison.runs]
    short = cells.short_ids(ids)
    lines = list(_lines(comparison, all_parameters=all_parameters))
    labels = TableColumn(
        "run", tuple(line.label for line in lines), flexible=True, least=LEAST_LABEL
    ).cut(LONGEST_LABEL)
    return [
        labels,
        *(_table_column(short[run_id], place, lines) for place, run_id in enumerate(ids)),
    ]


def _table_column(heading: str, place: int, lines: Sequence[Line]) -> TableColumn:
    """Return a run's strip, which is never narrower than its numbers."""
    numbers = [line.texts[place] for line in lines if line.is_number]
    return TableColumn(
        heading,
        tuple(
            line.texts[place] if line.is_number else shorten(line.texts[place], LONGEST_TEXT)
            for line in lines
        ),
        [line.colours[place] for line in lines],
        right=True,
        flexible=True,
        least=max(map(width, [heading, *numbers])),
        most=EVERYTHING,
    )


def _lines(comparison: Comparison, *, all_parameters: bool) -> Iterator[Line]:
    parameters = comparison.parameters() if all_parameters else comparison.differing_parameters()
    yield from _facts(comparison.runs)
    for name, values in parameters.items():
        yield _parameter(name, values)
    for name in METRICS:
        yield _metric(comparison, name)


def _facts(runs: Sequence[Record]) -> Iterator[Line]:
    for name in FACTS:
        values = [cells.cell(getattr(run, name)) for run in runs]
        if any(values):
            column = COLUMNS[name]
            yield Line(
                f"{name} (UTC)" if column.unit == "time" else name,
                [readable.readable(column, value) for value in values],
                [readable.colour(column, value) for value in values],
                is_number=column.unit != "text",
            )


def _parameter(name: str, values: list[object]) -> Line:
    texts = [UNDEFINED if v is None else printable(readable.plain(v)) for v in values]
    are_numbers = all(value is None or isinstance(value, (int, float)) for value in values)
    return Line(printable(name), texts, [""] * len(values), is_number=are_numbers)


def _metric(comparison: Comparison, name: str) -> Line:
    best = comparison.best(name)
    places = range(len(comparison.runs))
    return Line(
        name,
        [("*" if p in best else "") + _value(comparison, COLUMNS[name], p) for p in places],
        [GREEN if p in best else "" for p in places],
        is_number=True,
    )


def _value(comparison: Comparison, column: Column, place: int) -> str:
    run = comparison.runs[place]
    text = readable.readable(column, cells.cell(getattr(run, column.name)))
    if _is_baseline(comparison, run) or not column.is_number:
        return text
    delta = comparison.delta(column.name, place)
    if delta is None:
        return text
    difference = readable.readable(column, cells.cell(delta))
    if column.unit == "fraction":
        difference = difference.replace("%", PERCENTAGE_POINTS)
    return f"{text} ({'+' if delta >= 0 else ''}{difference})"


def _is_baseline(comparison: Comparison, run: Record) -> bool:
    return comparison.baseline is not None and run.run_id == comparison.baseline.run_id
