"""One record for people: its fields below each other, nothing cut, what it lacks left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from backtest_store.cli.output import for_people, tables
from backtest_store.cli.output.cells import Column, exact
from backtest_store.cli.output.colours import colour_of
from backtest_store.cli.output.formats.format_list import Format
from backtest_store.cli.output.tables import GAP, TableColumn
from backtest_store.cli.output.terminal_text import (
    printable,
    shorten,
    terminal_width,
    width,
    wrapped,
)
from backtest_store.runs.expressions.parameters import flattened, plain

NARROWEST_VALUE = 20
LONGEST_LABEL, LABELS_SHARE = 40, 3
MOST_NUMBERS = 12
ELSEWHERE = {"config_snapshot": "btstore show {} --config"}


def write(columns: Sequence[Column], values: Sequence[Any], format_: Format) -> None:
    """Write a record as a table of two columns."""
    if format_ is Format.MARKDOWN:
        tables.draw_markdown(table_columns(columns, values, None))
    else:
        tables.draw(table_columns(columns, values, terminal_width()))


def table_columns(
    columns: Sequence[Column], values: Sequence[Any], places: int | None
) -> list[TableColumn]:
    """Return a record as two columns, long texts broken to fit so many places."""
    facts = [
        (_label(label, places), text, colour) for label, text, colour in _facts(columns, values)
    ]
    labels = max(width(label) for label, _, _ in facts)
    room = None if places is None else max(places - labels - GAP, NARROWEST_VALUE)
    lines = [
        (label if first else "", line, colour)
        for label, text, colour in facts
        for first, line in _lines(text, room)
    ]
    return [
        TableColumn("field", tuple(label for label, _, _ in lines)),
        TableColumn(
            "value", tuple(text for _, text, _ in lines), [colour for _, _, colour in lines]
        ),
    ]


def _facts(columns: Sequence[Column], values: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each label with its text, which may have several lines, and its colour."""
    named = dict(zip((column.name for column in columns), values, strict=True))
    for column, value in zip(columns, values, strict=True):
        if value is False or value in (*for_people.NOTHING, {}):
            continue
        if column.name in ELSEWHERE:
            yield column.name, ELSEWHERE[column.name].format(values[0]), ""
        elif column.unit == "json":
            for name, part in flattened(value).items():
                yield f"{column.name}.{printable(name)}", plain(part), ""
        elif isinstance(value, list):
            yield column.name, _listed(value), ""
        elif column.unit == "text" and column.name != "status":
            yield column.name, exact(value), ""
        else:
            text = for_people.in_full(column, value, named.get("currency"))
            yield column.name, text, colour_of(column, value)


def _label(text: str, places: int | None) -> str:
    """Cut a label so that there is room for what it stands beside."""
    if places is None:
        return text
    return shorten(text, max(LONGEST_LABEL, places // LABELS_SHARE))


def _lines(text: str, room: int | None) -> Iterator[tuple[bool, str]]:
    """Yield the lines of a text, each saying whether it is the first."""
    lines = [printable(line) for line in text.splitlines()]
    if room is not None:
        lines = [part for line in lines for part in wrapped(line, room)]
    yield from ((not i, line) for i, line in enumerate(lines))


def _listed(values: list[Any]) -> str:
    """Return texts below each other, and numbers in one line, unless there are many."""
    if all(isinstance(value, str) for value in values):
        return "\n".join(values)
    if len(values) > MOST_NUMBERS:
        return f"{len(values)} numbers; --format json has them"
    return for_people.in_one_line(values)
