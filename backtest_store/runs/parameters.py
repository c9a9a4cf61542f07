"""Parameters of strategies, nested as configurations are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runs.typed_values import OPERATORS, WIDEST_NUMBER, Comparison, plain_text
from backtest_store.store import sql
from backtest_store.store.sql import Condition


def flattened(parameters: Json, above: str = "") -> dict[str, Any]:
    """Return nested parameters under one name each, such as `exit.atr_multiple`."""
    flat: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def parameter_condition(asked: Comparison) -> Condition:
    """Return the condition that a parameter compares to a value as was asked."""
    path = asked.name.split(".")
    value = _json(asked.value)
    if asked.operator in {"=", "=="}:
        if _is_in_an_array(path) or value.lstrip().startswith(("{", "[")):
            return sql.condition("parameter_equals", _containing(path, value), path, value)
        return sql.condition("parameter_is", _containing(path, value))
    if asked.operator == "!=":
        return sql.condition("parameter_differs", path, value)
    if not isinstance(json.loads(value), (str, int, float)) or value in {"true", "false"}:
        raise UsageError(f"--param {asked.name}: < and > need a number or text, not {asked.value}")
    return sql.condition("parameter_compares", path, value, operator=OPERATORS[asked.operator])


def _json(text: str) -> str:
    """Return a text as JSON: as it is if it is JSON, else as a string."""
    try:
        value = json.loads(text, parse_constant=_not_json, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        return json.dumps(text, ensure_ascii=False)
    for part in _scalars(value):
        if isinstance(part, Decimal) and abs(part.adjusted()) > WIDEST_NUMBER:
            raise UsageError(f"{text} is out of range")
        if isinstance(part, str):
            plain_text(part)
    return text


def _not_json(constant: str) -> None:
    raise ValueError(constant)


def _scalars(value: object) -> Iterator[object]:
    """Yield what is in a JSON value, names included."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for part in value:
            yield from _scalars(part)
    else:
        yield value


def _is_in_an_array(path: Sequence[str]) -> bool:
    """Say whether a path may be one into an array, a part of it being a number."""
    return any(part.isdigit() for part in path)


def _containing(path: Sequence[str], value: str) -> str:
    """Return an object that has the value in that place; a place in an array is not in objects."""
    if _is_in_an_array(path):
        return "{}"
    for part in reversed(path):
        value = f"{{{json.dumps(part, ensure_ascii=False)}: {value}}}"
    return value
