"""Columns, and the values in them as text that says them exactly.

A cell is what a row has in a column: text, a list, or None where it is undefined.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Cell = str | list[Any] | None
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
    type: str
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


def row(record: DataclassInstance, shown: Iterable[Column]) -> list[Cell]:
    """Return a model's values as cells."""
    return [cell(getattr(record, column.name)) for column in shown]


def cell(value: object) -> Cell:
    """Write a value exactly: ISO 8601 times, numbers at full precision."""
    written = next(kind for kind in type(value).__mro__ if kind in _WRITE)
    return _WRITE[written](value)


_WRITE: dict[type, Callable[[Any], Cell]] = {
    type(None): lambda value: value,
    str: lambda value: value,
    list: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    Decimal: "{:f}".format,
    UUID: str,
    date: date.isoformat,
    datetime: datetime.isoformat,
    dict: lambda value: json.dumps(value, ensure_ascii=False),
}


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the first 8 characters of each id, or as many as tell all of them apart."""
    whole = sorted({str(i) for i in ids})
    length = 8
    while len({i[:length] for i in whole}) < len(whole):
        length += 1
    return {i: i[:length] for i in whole}
