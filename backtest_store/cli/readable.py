"""Cells for people: percent, thousands, minutes; a mark where something is undefined."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from backtest_store.cli import cells
from backtest_store.cli.cells import Cell, Column
from backtest_store.cli.tables import ALWAYS, Strip

UNDEFINED = "–"
RED, YELLOW = "31", "33"
STATUS_COLOURS = {"failed": RED, "interrupted": YELLOW}
UNNEEDED_WORDS = frozenset({"at", "id", "ids", "max", "name", "ratio", "seconds", "total"})
SIGNED_UNITS = frozenset({"fraction", "money"})
MANY = 1e9


def strips(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], shown: Sequence[str] = ()
) -> list[Strip]:
    """Return columns as strips of a table, the first of `shown` being the most needed.

    Columns keep their order; without `shown` all are.
    """
    ranks = {name: rank for rank, name in enumerate(shown)} or {c.name: ALWAYS for c in columns}
    short = _short_ids(columns, rows)
    return [
        _strip(column, [row[place] for row in rows], ranks[column.name], short)
        for place, column in enumerate(columns)
        if column.name in ranks
    ]


def _strip(column: Column, values: list[Cell], rank: int, short: Mapping[str, str]) -> Strip:
    return Strip(
        heading(column.name),
        [short.get(str(v)) or readable(column, v) for v in values],
        colours=[colour(column, v) for v in values],
        right=column.is_number,
        flexible=column.unit in {"text", "json"},
        rank=rank,
    )


def _short_ids(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> dict[str, str]:
    places = [place for place, column in enumerate(columns) if column.type == "UUID"]
    return cells.short_ids([str(row[p]) for row in rows for p in places if row[p] is not None])


def heading(name: str) -> str:
    """Return a field's name as the head of a narrow column."""
    return " ".join(w for w in name.split("_") if w not in UNNEEDED_WORDS) or name


def readable(column: Column, cell: Cell) -> str:
    """Return a cell as people read it."""
    if cell is None or cell in ("", []):
        return UNDEFINED
    if isinstance(cell, list):
        return cells.printable(", ".join(cell))
    return _READABLE.get(column.unit, cells.printable)(cell)


def colour(column: Column, cell: Cell) -> str:
    """Return the colour that helps to find a cell: losses and failures are red."""
    if column.name == "status":
        return STATUS_COLOURS.get(str(cell), "")
    return RED if column.unit in SIGNED_UNITS and str(cell).startswith("-") else ""


def _fraction(cell: str) -> str:
    return f"{float(cell):z,.2%}"


def _ratio(cell: str) -> str:
    value = float(cell)
    return f"{value:z,.2f}" if abs(value) < MANY else f"{value:.3g}"


def _money(cell: str) -> str:
    value = float(cell)
    return f"{value:z,.2f}" if abs(value) >= 1 or not value else f"{value:.3g}"


def _count(cell: str) -> str:
    return f"{int(cell):,}"


def _duration(cell: str) -> str:
    seconds = float(cell)
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _minute(cell: str) -> str:
    return cell[:16].replace("T", " ")


def _day(cell: str) -> str:
    return cell[:10]


def _parameters(cell: str) -> str:
    """Return a JSON object as `name=value name=value`, without its quotes."""
    return cells.printable(
        " ".join(f"{name}={plain(value)}" for name, value in json.loads(cell).items())
    )


def plain(value: object) -> str:
    """Return a JSON value as a person would type it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_READABLE: dict[str, Callable[[str], str]] = {
    "fraction": _fraction,
    "ratio": _ratio,
    "money": _money,
    "count": _count,
    "seconds": _duration,
    "time": _minute,
    "date": _day,
    "json": _parameters,
}


def in_full(column: Column, cell: Cell) -> str:
    """Return a cell as people read it where there is room: whole ids, times to the second."""
    if column.unit == "id":
        return str(cell)
    if column.unit == "time":
        return f"{str(cell)[:19].replace('T', ' ')} UTC"
    return readable(column, cell)
