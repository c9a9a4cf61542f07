"""The values that a key of a grid takes: as they are listed, or spanned by a range."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.suggestions import did_you_mean

# Commas separate values, but not inside of brackets or quotes.
_VALUE = re.compile(r"""(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^,])+""")
_RANGE = re.compile(r"(-?[\d.]+?)\.\.(-?[\d.]+?)(?::([\d.]+))?")
_JSON_STARTS = ("[", "{", '"')
_RANGE_KEYS = {"from", "to", "step", "count", "geometric"}


def listed(key: str, value: Any) -> list[Any]:
    """Return the values that a key of a file takes."""
    if isinstance(value, list):
        if not value:
            raise UsageError(f"{key} has no values; write {key} = [5, 10]")
        return value
    if isinstance(value, dict):
        return list(_range_of(key, value))
    if isinstance(value, str) and (match := _RANGE.fullmatch(value)):
        limits = {"from": match[1], "to": match[2], "step": match[3] or 1}
        written_out = ", ".join(f"{name} = {limit}" for name, limit in limits.items())
        raise UsageError(f"{key}: in a file, write {value} as {{{written_out}}}")
    return [value]


def _range_of(key: str, value: Json) -> Iterator[float | int]:
    for name in value:
        if name not in _RANGE_KEYS:
            raise UsageError(f"{key}: no key {name!r}{did_you_mean(name, _RANGE_KEYS)}")
    first, last = _decimal(key, value.get("from")), _decimal(key, value.get("to"))
    if value.get("geometric"):
        yield from _geometric(key, first, last, value.get("count"))
        return
    step = _decimal(key, value.get("step", 1))
    if step <= 0 or last < first:
        raise UsageError(f"{key}: from {first} to {last} by {step} has no values; step up, above 0")
    yield from (number(first + step * place) for place in range(int((last - first) / step) + 1))


def _geometric(key: str, first: Decimal, last: Decimal, count: Any) -> Iterator[float | int]:
    if not isinstance(count, int) or count < 2 or first <= 0 or last <= first:  # noqa: PLR2004
        raise UsageError(f"{key}: geometric needs from above 0, to above it, and count, such as 5")
    ratio = (float(last) / float(first)) ** (1 / (count - 1))
    is_whole = first == first.to_integral_value() and last == last.to_integral_value()
    values = [float(first) * ratio**place for place in range(count)]
    yield from dict.fromkeys(round(v) if is_whole else float(f"{v:.6g}") for v in values)


def _decimal(key: str, value: Any) -> Decimal:
    try:
        return Decimal(str(value))  # "True" is no number
    except InvalidOperation:
        raise UsageError(
            f"{key}: a range is of numbers, was {value!r}; write {{from = 5, to = 50, step = 5}},"
            " or a list"
        ) from None


def number(value: Decimal) -> float | int:
    """Return a number, whole if it is."""
    return int(value) if value == value.to_integral_value() else float(value)


def written(setting: str, text: str) -> Iterator[object]:
    """Yield the values that a `--set` writes, each once."""
    seen = set()
    for value in _VALUE.findall(text):
        stripped = value.strip()
        if not stripped or stripped in seen:
            continue
        seen.add(stripped)
        if match := _RANGE.fullmatch(stripped):
            first, last, step = match.groups()
            limits = {"from": first, "to": last, "step": step or 1}
            yield from (str(number) for number in _range_of(f"--set {setting}", limits))
        else:
            yield _value(setting, stripped)


def _value(setting: str, text: str) -> object:
    if not text.startswith(_JSON_STARTS):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"--set {setting}: {text} is not JSON: {error}") from None
