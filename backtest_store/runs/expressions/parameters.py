"""Parameters of strategies, nested as configurations are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runs.expressions import json_documents
from backtest_store.runs.expressions.typed_values import WIDEST_NUMBER, TypedComparison, plain_text
from backtest_store.store import sql
from backtest_store.store.sql import Condition

PYTHON_WORDS = {"True": True, "False": False, "None": None}
NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(%?)")


def flattened(parameters: Json, above: str = "") -> dict[str, Any]:
    """Return nested parameters under one name each, such as `exit.atr_multiple`."""
    flat: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{above}{name}.")
        else:
            flat[f"{above}{name}"] = value
    return flat


def plain(value: object) -> str:
    """Return a JSON value as a person would type it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parameter_condition(asked: TypedComparison) -> Condition:
    """Return the condition that a parameter compares to a value as was asked."""
    path, operator, value = asked.name.split("."), asked.operator, _value(asked.value)
    if operator == "!=":
        other = sql.negated(_equals(path, value, asked.value))
        is_there = json_documents.defined("parameters", path)
        return sql.joined("parameter", "AND", [is_there, other])
    if operator == "=":
        return _equals(path, value, asked.value)
    if isinstance(value, bool) or not isinstance(value, str | Decimal):
        raise UsageError(f"--param {asked.name}: < and > need a number or text, not {asked.value}")
    return json_documents.compared("parameters", path, operator, value)


def _equals(path: Sequence[str], value: Any, typed: str) -> Condition:
    if isinstance(value, dict | list) or value is None:
        exact = "null" if value is None else typed
        return sql.condition("parameter_equals", _containing(path, exact), path, exact)
    return json_documents.compared("parameters", path, "=", value)


def _value(text: str) -> Any:
    """Return what a text means: JSON, a number or truth as Python writes them, else itself."""
    if text in PYTHON_WORDS:
        return PYTHON_WORDS[text]
    if number := NUMBER.fullmatch(text):
        value = Decimal(number[1]) / (100 if number[2] else 1)
    else:
        try:
            value = json.loads(text, parse_constant=_not_json, parse_float=Decimal)
        except (ValueError, RecursionError):
            return text
    for part in _scalars(value):
        if isinstance(part, Decimal) and abs(part.adjusted()) > WIDEST_NUMBER:
            raise UsageError(f"{text} is out of range")
        if isinstance(part, str):
            plain_text(part)
    return value


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


def _containing(path: Sequence[str], value: str) -> str:
    """Return an object that has the value in that place; a place in an array is not in objects."""
    if any(part.isdigit() for part in path):
        return "{}"
    for part in reversed(path):
        value = f"{{{json.dumps(part, ensure_ascii=False)}: {value}}}"
    return value
