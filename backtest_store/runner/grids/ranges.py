"""The values that a key of a grid takes: as they are listed, or spanned by a range."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from backtest_store.models import Json
from backtest_store.runner.config.file import Place
from backtest_store.suggestions import did_you_mean

# Commas separate values, but not inside of brackets or quotes.
_VALUE = re.compile(r"""(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^,])+""")
_RANGE = re.compile(r"(-?[\d.]+?)\.\.(-?[\d.]+?)(?::([\d.]+))?")
_JSON_STARTS = ("[", "{", '"')
_RANGE_KEYS = {"from", "to", "step", "count", "geometric"}


def listed(value: Any, place: Place) -> list[Any]:
    """Return the values that a key of a file takes."""
    if isinstance(value, list):
        return value or place.refuse("has no values; write [5, 10]")
    if isinstance(value, dict):
        return list(_range_of(value, place))
    if isinstance(value, str) and (limits := _limits(value)):
        place.refuse(f"in a file, write {value} as {_in_file(limits, place.origin.name)}")
    return [value]


def _range_of(value: Json, place: Place) -> Iterator[float | int]:
    for name in value:
        if name not in _RANGE_KEYS:
            place.refuse(f"no key {name!r}{did_you_mean(name, _RANGE_KEYS)}")
    first, last = _decimal(value.get("from"), place), _decimal(value.get("to"), place)
    if value.get("geometric"):
        yield from _geometric(first, last, value.get("count"), place)
        return
    step = _decimal(value.get("step", 1), place)
    if step <= 0 or last < first:
        place.refuse(f"from {first} to {last} by {step} has no values; step up, above 0")
    yield from (number(first + step * n) for n in range(int((last - first) / step) + 1))


def _geometric(first: Decimal, last: Decimal, count: Any, place: Place) -> Iterator[float | int]:
    if not isinstance(count, int) or count < 2 or first <= 0 or last <= first:  # noqa: PLR2004
        place.refuse("geometric needs from above 0, to above it, and count, such as 5")
    ratio = (float(last) / float(first)) ** (1 / (count - 1))
    is_whole = first == first.to_integral_value() and last == last.to_integral_value()
    values = [float(first) * ratio**n for n in range(count)]
    yield from dict.fromkeys(round(v) if is_whole else float(f"{v:.6g}") for v in values)


def _decimal(value: Any, place: Place) -> Decimal:
    try:
        return Decimal(str(value))  # "True" is no number
    except InvalidOperation:
        example = _in_file({"from": 5, "to": 50, "step": 5}, place.origin.name)
        place.refuse(f"a range is of numbers, was {value!r}; write {example}, or a list")


def _in_file(limits: Json, name: str) -> str:
    """Write the limits of a range as a file of this name has them; YAML takes JSON, too."""
    if not name.lower().endswith(".toml"):
        return json.dumps({key: number(Decimal(limit)) for key, limit in limits.items()})
    return f"{{{', '.join(f'{key} = {limit}' for key, limit in limits.items())}}}"


def _limits(text: str) -> Json:
    """Return what a range such as 5..50:5 says; nothing if it is none."""
    match = _RANGE.fullmatch(text)
    return {"from": match[1], "to": match[2], "step": match[3] or 1} if match else {}


def number(value: Decimal) -> float | int:
    """Return a number, whole if it is."""
    return int(value) if value == value.to_integral_value() else float(value)


def written(text: str, place: Place) -> Iterator[object]:
    """Yield the values that a `--set` writes, each once."""
    for value in dict.fromkeys(found.strip() for found in _VALUE.findall(text)):
        if limits := _limits(value):
            yield from map(str, _range_of(limits, place))
        elif value.startswith(_JSON_STARTS):
            try:
                yield json.loads(value)
            except ValueError as error:
                place.refuse(f"{value} is not JSON: {error}")
        elif value:
            yield value
