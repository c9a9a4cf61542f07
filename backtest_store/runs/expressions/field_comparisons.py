"""Comparisons with a field of a run, each value being of the field's type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import get_args
from uuid import UUID

from backtest_store.errors import UsageError
from backtest_store.models import EquityBasis, PeriodLength, Status
from backtest_store.runs.expressions.typed_values import Value, parse_end_time, parse_time
from backtest_store.store import sql
from backtest_store.store.record_fields import SQL_NAMES, TYPES
from backtest_store.store.sql import Condition
from backtest_store.suggestions import suggestion

NAME = "where"
SQL_OPERATORS = {"!=": "<>"}
WORDS = {
    "status": get_args(Status),
    "equity_basis": get_args(EquityBasis),
    "period": get_args(PeriodLength),
}
SEVERAL = ("list[int]", "list[float | None]", "Json")


def fragment(name: str, *values: object, **words: str) -> Condition:
    """Return the condition in `sql/filters/NAME.sql`, as a part of an expression."""
    return sql.condition(name, *values, **words)._replace(name=NAME)


def compared(field: str, operator: str, value: Value) -> Condition:
    """Return the condition that a field compares to a value so; UsageError if it never can."""
    if value is None:
        undefined = fragment("undefined", field=SQL_NAMES[field])
        return _equals_only(field, operator, undefined, "None")
    if TYPES[field] == "list[str]":
        return _equals_only(field, operator, contains(field, _text(field, value)), "a text")
    return _COMPARED.get(TYPES[field], _compared_text)(field, operator, value)


def _equals_only(field: str, operator: str, equal: Condition, what: str) -> Condition:
    if operator not in {"=", "!="}:
        raise UsageError(f"{field} is compared to {what} by == and != only")
    return equal if operator == "=" else sql.negated(equal)


def holds(field: str) -> Condition:
    """Return the condition that a field is true, or neither zero nor empty."""
    return fragment("field_holds", field=SQL_NAMES[field])


def contains(field: str, text: str) -> Condition:
    """Return the condition that a text is in a field; UsageError if nothing can be."""
    if field == "instrument_ids":
        return fragment("instrument", text)
    if field == "tags":
        return fragment("tag", [text])
    if TYPES[field] == "list[str]":
        return fragment("field_has", text, field=SQL_NAMES[field])
    if TYPES[field] not in {"str", "Status", "EquityBasis", "PeriodLength"}:
        raise UsageError(f"`in` needs a text or a list, which {field} is not")
    return fragment("field_contains", text, field=SQL_NAMES[field])


def _plain(name: str, field: str, operator: str, value: object) -> Condition:
    return fragment(
        name, value, field=SQL_NAMES[field], operator=SQL_OPERATORS.get(operator, operator)
    )


def _compared_text(field: str, operator: str, value: Value) -> Condition:
    text = _text(field, value)
    if field in WORDS and text not in WORDS[field]:
        raise UsageError(f"{field} is never {text!r}", hint=suggestion(text, [*WORDS[field]]))
    name = "metric" if operator in {"=", "!="} else "field_text"
    return _plain(name, field, operator, text)


def _text(field: str, value: Value) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{field} is compared to a text, such as 'a', not to {written(value)}")
    return value


def _compared_number(field: str, operator: str, value: Value) -> Condition:
    number = _number(field, value)
    if TYPES[field] == "float":
        return _plain("metric", field, operator, float(number))
    return _plain("field_number", field, operator, number)


def _number(field: str, value: Value) -> Decimal:
    text = str(value)
    try:
        number = Decimal(text.removesuffix("%"))  # "True" is none
        is_number = isfinite(float(number))
    except (InvalidOperation, ValueError):  # as of NaN that signals
        is_number = False
    if not is_number:
        raise UsageError(f"{field} is compared to a number, not to {written(value)}")
    return number / 100 if text.endswith("%") else number


def _compared_truth(field: str, operator: str, value: Value) -> Condition:
    if not isinstance(value, bool):
        raise UsageError(f"{field} is True or False, not {written(value)}")
    truth = holds(field) if value else sql.negated(holds(field))
    return _equals_only(field, operator, truth, "True and False")


def _compared_time(field: str, operator: str, value: Value) -> Condition:
    """Compare to a moment, or to a date, which is its whole day."""
    text = _text(field, value)
    start, end = parse_time(text), parse_end_time(text)
    first, last = _plain("metric", field, ">=", start), _plain("metric", field, "<", end)
    match operator:
        case "=":
            return sql.joined(NAME, "AND", [first, last])
        case "!=":
            outside = _plain("metric", field, "<", start), _plain("metric", field, ">=", end)
            return sql.joined(NAME, "OR", outside)
        case ">=":
            return first
        case "<=":
            return last
        case "<":
            return _plain("metric", field, "<", start)
    return _plain("metric", field, ">=", end)


def _reading(read: Callable[[str], object], what: str) -> Callable[[str, str, Value], Condition]:
    """Return the comparison with a value that a text is read as."""

    def compared(field: str, operator: str, value: Value) -> Condition:
        try:
            return _plain("metric", field, operator, read(_text(field, value)))
        except ValueError:
            raise UsageError(f"{field} is compared to {what}, not to {written(value)}") from None

    return compared


def _not_one_value(field: str, _: str, __: Value) -> Condition:
    raise UsageError(f"{field} holds many values", hint=f"ask for one of them, as {field}.name")


_COMPARED: dict[str, Callable[[str, str, Value], Condition]] = {
    "float": _compared_number,
    "int": _compared_number,
    "Decimal": _compared_number,
    "bool": _compared_truth,
    "datetime": _compared_time,
    "date": _reading(date.fromisoformat, "a date like '2024-01-31'"),
    "UUID": _reading(UUID, "a whole id"),
} | dict.fromkeys(SEVERAL, _not_one_value)


def written(value: Value) -> str:
    """Return a value as it is written in an expression."""
    return str(value) if isinstance(value, Decimal) else repr(value)
