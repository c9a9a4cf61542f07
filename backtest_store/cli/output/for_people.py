"""Values for people: percent, thousands, minutes; a mark where something is undefined."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Any

from backtest_store.cli.output import cells
from backtest_store.cli.output.cells import Column, exact
from backtest_store.cli.output.colours import colour_of
from backtest_store.cli.output.tables import ALWAYS_SHOWN, LONGEST_TEXT, TableColumn
from backtest_store.cli.output.terminal_text import printable
from backtest_store.models import Json, Record
from backtest_store.runs.expressions.parameters import flattened, plain

NOTHING: tuple[object, ...] = (None, "", [])
UNDEFINED = "\N{EN DASH}"
STAR = "\N{BLACK STAR}"
UNLIMITED = "\N{INFINITY}"
UNNEEDED_WORDS = frozenset({"at", "id", "ids", "max", "name", "ratio", "seconds", "total"})
MANY, MOST_MONEY = 1e9, 1e15
MINUTE = 60
LEAST_TEXT, LEAST_JSON = 10, 24
MOST_JSON = 200
BARS = "▁▂▃▄▅▆▇█"


def table_columns(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], shown: Sequence[str] = ()
) -> list[TableColumn]:
    """Return columns and their values as columns of a table, the first of `shown` needed most.

    They keep their order. Without `shown` all of them are returned; with it, those with news.
    """
    ranks = {name: rank for rank, name in reversed(list(enumerate(shown)))}
    short = _short_ids(columns, rows)
    every = [(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    return [
        _table_column(column, values, ranks.get(column.name, ALWAYS_SHOWN), short)
        for column, values in every
        if not shown or (column.name in ranks and not _is_no_news(column, values))
    ]


def _is_no_news(column: Column, values: list[Any]) -> bool:
    """Say whether a column has nothing in it, or nothing but success."""
    usual = [*NOTHING, *(["success"] if column.name == "status" else [])]
    return bool(values) and all(value in usual for value in values)


def _table_column(
    column: Column, values: list[Any], rank: int, short: Mapping[str, str]
) -> TableColumn:
    texts = (short.get(str(v)) or readable(column, v) for v in values)
    return TableColumn(
        printable(column.heading or heading(column.name))
        + (" (UTC)" if column.unit == "time" else ""),
        tuple(_differing(values) if column.type == "Json" else texts),
        colours=[colour_of(column, v) for v in values],
        right=column.is_number,
        flexible=column.unit in {"text", "json"},
        least=LEAST_JSON if column.type == "Json" else LEAST_TEXT,
        most=MOST_JSON if column.type == "Json" else LONGEST_TEXT,
        rank=rank,
    )


def _differing(values: list[Json]) -> Iterator[str]:
    """Yield JSON objects as `name=value name=value`, without what is the same in all of them."""
    flat = [flattened(value) for value in values]
    same = _same(flat) if len(flat) > 1 else frozenset()
    for parameters in flat:
        shown = (f"{n}={plain(v)}" for n, v in parameters.items() if n not in same)
        yield printable(" ".join(shown))


def _same(flat: list[dict[str, Any]]) -> frozenset[str]:
    """Return the names whose value is the same in all of some objects."""
    first, *others = ({name: json.dumps(value) for name, value in f.items()} for f in flat)
    return frozenset(n for n, value in first.items() if all(o.get(n) == value for o in others))


def _short_ids(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> dict[str, str]:
    places = [place for place, column in enumerate(columns) if column.type == "UUID"]
    return cells.short_ids([str(row[p]) for row in rows for p in places if row[p] is not None])


def heading(name: str) -> str:
    """Return a field's name as the head of a narrow column."""
    return " ".join(w for w in name.split("_") if w not in UNNEEDED_WORDS) or name


def readable(column: Column, value: object) -> str:
    """Return a value as people read it."""
    if value in NOTHING:
        return UNDEFINED
    if isinstance(value, list):
        return in_one_line(value)
    return _READABLE.get(column.unit, lambda value: printable(exact(value)))(value)


def in_one_line(values: Sequence[Any]) -> str:
    """Return texts or numbers in one line, a mark where one is undefined."""
    return printable(", ".join(UNDEFINED if v is None else plain(v) for v in values))


def _fraction(value: float) -> str:
    return f"{value:z,.2%}" if abs(value) < MANY else f"{100 * value:.3g}%"


def _ratio(value: float) -> str:
    if value == inf:
        return UNLIMITED
    return f"{value:z,.2f}" if abs(value) < MANY else f"{value:.3g}"


def _money(amount: Decimal) -> str:
    value = float(amount)
    if abs(value) >= MOST_MONEY:
        return f"{amount:.6g}"
    return f"{value:z,.2f}" if abs(value) >= 1 or not value else f"{value:.3g}"


def _duration(seconds: float) -> str:
    if seconds < MINUTE or seconds == inf:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def sparkline(values: Sequence[float | None]) -> str:
    """Return a character a value, the higher the more; a space for what is undefined."""
    known = [value for value in values if value is not None]
    low, span = min(known, default=0), max(known, default=0) - min(known, default=0)
    steps = len(BARS) - 1
    return "".join(
        " " if v is None else BARS[round((v - low) / span * steps) if span else steps // 2]
        for v in values
    )


def sampled(values: Sequence[float], most: int, *, deepest: bool = False) -> list[float]:
    """Return at most so many values: the last of each share, or the least."""
    count = min(most, len(values))
    ends = [len(values) * (n + 1) // count for n in range(count)]
    starts = [0, *ends[:-1]]
    shares = (values[start:end] for start, end in zip(starts, ends, strict=True))
    return [min(share) if deepest else share[-1] for share in shares]


_READABLE: dict[str, Callable[[Any], str]] = {
    "fraction": _fraction,
    "ratio": _ratio,
    "money": _money,
    "count": "{:,}".format,
    "seconds": _duration,
    "time": lambda time: exact(time)[:16].replace("T", " "),
    "date": lambda day: exact(day)[:10],
    "month": lambda day: exact(day)[:7],
}


def in_full(column: Column, value: object, currency: object) -> str:
    """Return a value as people read it where there is room: whole ids, times to the second."""
    if column.unit == "time":
        return f"{exact(value)[:19].replace('T', ' ')} UTC"
    if column.unit == "money" and currency:
        return f"{readable(column, value)} {printable(str(currency))}"
    return readable(column, value)


def titled(run: Record) -> str:
    """Return what lists call a run, with its star."""
    return f"{STAR} {run.title}" if run.starred else run.title


def last_day(end: datetime) -> date:
    """Return the last day of a period: its midnight is the end of the day before."""
    return (end - timedelta(microseconds=1)).date()
