"""Columns, and the values in them as text that says them exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from backtest_store.models import METRIC_FIELDS, Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NUMBERS = frozenset({"float", "int", "Decimal"})
UNITS = {
    "Decimal": "money",
    "Json": "json",
    "UUID": "id",
    "datetime": "time",
    "float": "ratio",
    "int": "count",
}


class Column(NamedTuple):
    """A column of a sheet: its field's name, the type of its values, and the unit they are in.

    `heading` is what people read above it, if that is not made from the name.
    """

    name: str
    type: str = "str"
    unit: str = "text"
    best: str | None = None
    heading: str = ""

    @property
    def is_number(self) -> bool:
        """Say whether values are numbers, to be aligned right and never cut."""
        return self.type in NUMBERS


@cache
def columns(model: type[DataclassInstance]) -> tuple[Column, ...]:
    """Return a model's fields as columns."""
    return tuple(
        Column(
            f.name,
            str(f.type).removesuffix(" | None"),
            f.metadata.get("unit") or _unit(f.name, str(f.type)),
            f.metadata.get("best"),
        )
        for f in fields(model)
    )


def _unit(name: str, type_: str) -> str:
    """Return the unit of a field whose model names none."""
    if name.endswith("_seconds"):
        return "seconds"
    if name.endswith("_date"):
        return "date"
    return UNITS.get(type_.removesuffix(" | None"), "text")


def figures(metric: str) -> list[Column]:
    """Return the columns for the best, the median and the worst of a metric."""
    unit = METRIC_FIELDS[metric]["unit"]
    return [Column(f"{which}_{metric}", "float", unit) for which in ("best", "median", "worst")]


RECORD_COLUMNS = {column.name: column for column in columns(Record)}


class Encoders(dict[type, Callable[[Any], str]]):
    """What writes values of each type; the driver's own UUID is written as its base is."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        """Look for a base of the type, once."""
        self[kind] = next(self[base] for base in kind.__mro__[1:] if base in self)
        return self[kind]


EXACT: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    # A ratio without a limit is written as PostgreSQL writes it.
    float: lambda value: "Infinity" if value == inf else repr(value),
    Decimal: "{:f}".format,
    UUID: str,
    date: date.isoformat,
    datetime: datetime.isoformat,
}
_nested = json.JSONEncoder(ensure_ascii=False).encode
_TEXTS = Encoders(EXACT | {str: str, list: _nested, dict: _nested})


def exact(value: object) -> str:
    """Write a value exactly: ISO 8601 times, numbers at full precision."""
    return _TEXTS[type(value)](value)


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the first 8 characters of each id, or as many as tell all of them apart."""
    whole = sorted({str(i) for i in ids})
    length = 8
    while len({i[:length] for i in whole}) < len(whole):
        length += 1
    return {i: i[:length] for i in whole}
