"""Values as text: exact for machines, short for people, and harmless for both.

A cell is what a row has in a column: text that says the value exactly, a list of texts, or None
where it is undefined. Rows of models become cells here; a streamed query delivers them so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from backtest_store.cli.output import spreadsheet
from backtest_store.cli.output.text import printable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Cell = str | list[str] | None
EXACT_FLOAT = "exact float"  # keeps the .0 of a whole one, for programs that guess types
NUMBERS = frozenset({"float", EXACT_FLOAT, "int", "Decimal"})
UNITS = {
    "Decimal": "money",
    "Json": "json",
    "UUID": "id",
    "datetime": "time",
    "float": "ratio",
    "int": "count",
}
NEVER_TEXT = frozenset({"UUID", "bool", "date", "datetime"})
LIST_SEPARATOR = ";"


class Column(NamedTuple):
    """A column of a sheet: its field's name, the type of its values, and the unit they are in."""

    name: str
    type: str
    unit: str = "text"
    best: str | None = None

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
    written = next(t for t in type(value).__mro__ if t in _WRITE)
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


def json_cell(value: object) -> Cell:
    """Write a value out of JSON: what is nested stays JSON."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return cell(value)


def json_type(values: Iterable[object]) -> str:
    """Return the type of a column of values out of JSON."""
    types = {type(value) for value in values} - {type(None)}
    if types <= {int, float}:
        return EXACT_FLOAT
    return "bool" if types == {bool} else "Json" if types <= {dict, list} else "str"


def json_encoder(column: Column) -> Callable[[Any], str]:
    """Return what turns a column's cells into JSON; control characters come out escaped."""
    if column.is_number or column.type == "bool":
        return str
    if column.type == "Json":
        return printable_json
    if column.type.startswith("list"):
        return _json_list
    return _json_text


def _json_text(text: str) -> str:
    return printable_json(encode_basestring(text))


def _json_list(texts: list[str]) -> str:
    return f"[{', '.join(map(_json_text, texts))}]"


def printable_json(text: str) -> str:
    """Escape what a terminal would act on; only JSON strings can hold such characters."""
    if text.isprintable():
        return text
    return re.sub(r"[^ -~]+", lambda found: encode_basestring_ascii(found[0])[1:-1], text)


def printable_lines(lines: str) -> str:
    """Escape what a terminal would act on in lines of JSON."""
    if lines.replace("\n", "").isprintable():
        return lines
    return "\n".join(map(printable_json, lines.split("\n")))


def csv_encoder(column: Column) -> Callable[[Any], str]:
    """Return what turns a column's cells into CSV that no terminal and no spreadsheet acts on."""
    encode = csv_text_encoder(column)
    if column.type.startswith("list"):
        return lambda texts: encode(LIST_SEPARATOR.join(texts))
    return encode


def csv_text_encoder(column: Column) -> Callable[[str], str]:
    """Return what makes the text of a column's cells in a CSV file harmless."""
    if column.type == "float":
        return _as_postgresql_writes_it
    if column.is_number or column.type in NEVER_TEXT:
        return str
    return _harmless_json if column.type == "Json" else harmless


def _as_postgresql_writes_it(number: str) -> str:
    return number.removesuffix(".0")


def harmless(text: str) -> str:
    """Return a text that no terminal acts on and no spreadsheet takes for a formula."""
    return spreadsheet.inert(printable(text))


def _harmless_json(text: str) -> str:
    return spreadsheet.inert_json(printable_json(text))


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """Return the first 8 characters of each id, or as many as tell all of them apart."""
    whole = sorted({str(i) for i in ids})
    length = 8
    while len({i[:length] for i in whole}) < len(whole):
        length += 1
    return {i: i[:length] for i in whole}
