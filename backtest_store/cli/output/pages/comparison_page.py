"""A comparison for people: a column a run; what differs first, then how the runs went."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from backtest_store.cli.output import cells, for_people, tables
from backtest_store.cli.output.cells import RECORD_COLUMNS, Column
from backtest_store.cli.output.colours import colour_of
from backtest_store.cli.output.for_people import UNDEFINED
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.tables import TableColumn
from backtest_store.cli.output.terminal_text import printable, shorten, width
from backtest_store.models import METRIC_FIELDS, Record
from backtest_store.runs.compare import SIDES, Comparison, Number
from backtest_store.runs.expressions.parameters import plain

KEY_METRICS = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "max_drawdown",
    "total_trades",
    "win_rate",
    "profit_factor",
    "total_fees",
)
METRICS = tuple(
    name for name, field in METRIC_FIELDS.items() if field["unit"] not in {"text", "json"}
)
# Starting capital and net profit are the last equity: the balance and what is open.
MONEY = {
    "initial_capital": "initial_capital",
    "net_profit": "+ net_profit",
    "unrealised_profit": "- open positions",
    "final_balance": "= final_balance",
}
FACTS = ("status", "started_at", "strategy_type", "tags", "note")
LABELS = {"data_fingerprint": "data", "strategy_name": "strategy", "instrument_ids": "instruments"}
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


def write(comparison: Comparison, format_: Format, *, everything: bool) -> None:
    """Write a comparison, in several tables if the terminal is too narrow for one."""
    every = table_columns(comparison, everything=everything)
    tables.draw_in_blocks(every, is_markdown=format_ is Format.MARKDOWN)


def table_columns(comparison: Comparison, *, everything: bool) -> list[TableColumn]:
    """Return a comparison as columns of a table, the first of them the labels."""
    ids = [str(run.run_id) for run in comparison.runs]
    short = cells.short_ids(ids)
    lines = list(_lines(comparison, short, everything=everything))
    labels = TableColumn(
        "run", tuple(line.label for line in lines), flexible=True, least=LEAST_LABEL
    ).cut(LONGEST_LABEL)
    return [
        labels,
        *(_table_column(short[run_id], place, lines) for place, run_id in enumerate(ids)),
    ]


def _table_column(heading: str, place: int, lines: Sequence[Line]) -> TableColumn:
    """Return a run's column, which is never narrower than its numbers."""
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


def _lines(comparison: Comparison, short: dict[str, str], *, everything: bool) -> Iterator[Line]:
    runs = comparison.runs
    for name in FACTS if everything else FACTS[:1]:
        values = [getattr(run, name) for run in runs]
        if everything or {*values} != {"success"}:
            yield input_line(name, values)
    differing = comparison.differing_inputs()
    yield _title(f"Inputs ({len(differing)} differ{'s' * (len(differing) == 1)})", runs)
    for name, values in (comparison.inputs() if everything else differing).items():
        yield input_line(name, values)
    yield from (_blank(runs), _title("Result (* best)", runs))
    for name in METRICS if everything else KEY_METRICS:
        if not (everything and name in MONEY):
            yield metric_line(comparison, name)
    yield from (_blank(runs), _title(f"Money{_currency(runs)}", runs))
    for name, label in MONEY.items():
        yield metric_line(comparison, name)._replace(label=label)
    yield from _sides(comparison)
    yield from _correlations(comparison, short)


def _title(text: str, runs: Sequence[Record]) -> Line:
    return Line(text, [""] * len(runs), [""] * len(runs))


def _blank(runs: Sequence[Record]) -> Line:
    return _title("", runs)


def _currency(runs: Sequence[Record]) -> str:
    currencies = {run.currency for run in runs}
    return f", {printable(str(runs[0].currency))}" if currencies == {runs[0].currency} else ""


def input_line(name: str, values: Sequence[Any]) -> Line:
    """Return the line of an input."""
    column = RECORD_COLUMNS.get(name)
    label = LABELS.get(name) or name.removeprefix("parameters.").replace("venues.0.", "venue ")
    if column is not None and name != "data_fingerprint":
        label += " (UTC)" * (column.unit == "time")
        texts = [for_people.readable(column, value) for value in values]
        if len({*texts}) < len({*map(str, values)}):  # what sets them apart is not in sight
            texts = [UNDEFINED if value is None else cells.exact(value) for value in values]
        colours = [colour_of(column, value) for value in values]
        return Line(label, texts, colours, is_number=column.unit != "text")
    texts = [UNDEFINED if v is None else printable(plain(v)) for v in values]
    are_numbers = all(value is None or isinstance(value, int | float) for value in values)
    return Line(printable(label), texts, [""] * len(values), is_number=are_numbers)


def metric_line(comparison: Comparison, name: str) -> Line:
    """Return the line of a metric, the best marked and coloured."""
    best = comparison.best(name) if name in METRIC_FIELDS else set()
    places = range(len(comparison.runs))
    return Line(
        name,
        [("*" if p in best else "") + _value(comparison, RECORD_COLUMNS[name], p) for p in places],
        [GREEN if p in best else "" for p in places],
        is_number=True,
    )


def _value(comparison: Comparison, column: Column, place: int) -> str:
    run = comparison.runs[place]
    text = for_people.readable(column, getattr(run, column.name))
    is_baseline = comparison.baseline is not None and run.run_id == comparison.baseline.run_id
    if is_baseline or not column.is_number or column.name not in METRIC_FIELDS:
        return text
    delta = comparison.delta(column.name, place)
    return text if delta is None else f"{text} ({difference(column, delta)})"


def difference(column: Column, delta: Number) -> str:
    """Return by how much a metric differs, with its sign; of percents in percentage points."""
    text = for_people.readable(column, delta)
    if column.unit == "fraction":
        text = text.replace("%", PERCENTAGE_POINTS)
    return f"{'+' if delta >= 0 else ''}{text}"


def _sides(comparison: Comparison) -> Iterator[Line]:
    """Yield how the runs did before a month, and from it on."""
    if comparison.split is None:
        return
    sides = [comparison.sides(run) for run in comparison.runs]
    for place, when in enumerate(
        (f"before {comparison.split:%Y-%m}", f"from {comparison.split:%Y-%m}")
    ):
        yield from (_blank(comparison.runs), _title(f"Months {when}, month ends", comparison.runs))
        for name in SIDES:
            values = [None if side[place] is None else getattr(side[place], name) for side in sides]
            texts = [for_people.readable(RECORD_COLUMNS[name], value) for value in values]
            yield Line(name, texts, [""] * len(texts), is_number=True)


def _correlations(comparison: Comparison, short: dict[str, str]) -> Iterator[Line]:
    """Yield how alike the runs' months are, run by run."""
    rows = comparison.correlations()
    if not any(value is not None for row in rows for value in row):
        return
    yield from (_blank(comparison.runs), _title("Correlation by month", comparison.runs))
    for run, row in zip(comparison.runs, rows, strict=True):
        texts = [UNDEFINED if value is None else f"{value:z.2f}" for value in row]
        yield Line(short[str(run.run_id)], texts, [""] * len(row), is_number=True)
