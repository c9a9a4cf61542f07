"""What a person asks of runs, as conditions for SQL: names checked, values passed as parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import NamedTuple

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS
from backtest_store.store import sql
from backtest_store.store.fields import COMPARABLE_METRICS, SQL_NAMES, TYPES, known
from backtest_store.store.sql import Condition, Filters

OPERATORS = {"=": "=", "==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
COMPARISON = re.compile(
    r"\s*([^=!<>]*[^=!<>\s])\s*(<=|>=|!=|==?|<|>)\s*(?![=!<>])(.*?)\s*", re.DOTALL
)
WRITTEN_OPERATORS = "= != < <= > >="
AGE = re.compile(r"(\d{1,6}) ?(h|d|w)")
AGE_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
LARGEST_COUNT = 2**63 - 1
WIDEST_NUMBER = 1000


class Comparison(NamedTuple):
    """`name operator value`, as it was typed."""

    name: str
    operator: str
    value: str


def filters(  # noqa: PLR0913 - each is an option
    *,
    strategy: str | None = None,
    strategy_type: str | None = None,
    instrument: str | None = None,
    status: str | None = None,
    since: str | None = None,
    until: str | None = None,
    tags: Sequence[str] = (),
    parameters: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> Filters:
    """Return the filters that a person typed.

    Parameters
    ----------
    since, until : str, optional
        A date, a date and time (UTC unless it says otherwise), or an age such as 7d, 12h, 2w.
        A date as `until` includes its day.
    parameters, metrics : sequence of str
        Comparisons such as ``fast_period>=10``, ``exit.atr_multiple>2`` or ``sharpe_ratio>1``.

    Raises
    ------
    UsageError
        If a value cannot be understood.
    """
    compared = [comparison(text, "--metric") for text in metrics]
    asked: list[Condition | None] = [
        _given("strategy", strategy),
        _given("type", strategy_type),
        _given("instrument", instrument),
        _given("status", status),
        _given("since", since, moment),
        _given("until", until, end_of),
        *(sql.condition("tag", [plain_text(tag)]) for tag in tags),
        *(_parameter(comparison(text, "--param")) for text in parameters),
        *(_metric(one) for one in compared),
    ]
    return Filters(
        tuple(condition for condition in asked if condition is not None),
        tuple(dict.fromkeys(one.name for one in compared)),
    )


def _given(name: str, value: str | None, read: Callable[[str], object] = str) -> Condition | None:
    return None if value is None else sql.condition(name, read(plain_text(value)))


def plain_text(text: str) -> str:
    """Return a text that PostgreSQL can hold.

    Raises
    ------
    UsageError
        If it has a NUL character, or bytes that are not UTF-8.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!r} is not text")
    return text


def comparison(text: str, option: str) -> Comparison:
    """Split a comparison into its parts."""
    match = COMPARISON.fullmatch(plain_text(text))
    if match is None:
        raise UsageError(
            f"{option} {text!r} is not a comparison",
            hint=f"write it like {option} 'name>=10', with one of {WRITTEN_OPERATORS}",
        )
    return Comparison(*match.groups())


def moment(text: str) -> datetime:
    """Return the time that a text names: ISO 8601, UTC if it has no offset, or an age."""
    try:
        if age := AGE.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{AGE_UNITS[age[2]]: int(age[1])})
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is not a time", hint="write 2024-01-31, 2024-01-31T12:00, 12h, 7d or 2w"
        ) from error


def end_of(text: str) -> datetime:
    """Return the first moment after the time, or after the day, that a text names."""
    is_day = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text)
    try:
        return moment(text) + (timedelta(days=1) if is_day else timedelta(microseconds=1))
    except OverflowError as error:
        raise UsageError(f"{text!r} is too late a time") from error


def _metric(asked: Comparison) -> Condition:
    name = known(asked.name, COMPARABLE_METRICS, "metric")
    return sql.condition(
        "metric",
        _VALUES[TYPES[name]](asked),
        field=SQL_NAMES[name],
        operator=OPERATORS[asked.operator],
    )


def _float(asked: Comparison) -> float:
    text, percent = asked.value, METRIC_FIELDS[asked.name]["unit"] == "fraction"
    try:
        value = float(text[:-1]) / 100 if percent and text.endswith("%") else float(text)
    except ValueError:
        raise _not_a_value(asked, "a number") from None
    if not isfinite(value):
        raise _not_a_value(asked, "a number")
    return value


def _decimal(asked: Comparison) -> Decimal:
    try:
        value = Decimal(asked.value)
    except InvalidOperation:
        raise _not_a_value(asked, "an amount") from None
    if not value.is_finite() or abs(value.adjusted()) > WIDEST_NUMBER:
        raise _not_a_value(asked, "an amount")
    return value


def _count(asked: Comparison) -> int:
    value = _decimal(asked)
    if value != value.to_integral_value() or abs(value) > LARGEST_COUNT:
        raise _not_a_value(asked, "a whole number")
    return int(value)


def _date(asked: Comparison) -> date:
    try:
        return date.fromisoformat(asked.value)
    except ValueError:
        raise _not_a_value(asked, "a date like 2024-01-31") from None


def _not_a_value(asked: Comparison, wanted: str) -> UsageError:
    return UsageError(f"--metric {asked.name} is compared to {wanted}, not to {asked.value!r}")


_VALUES: dict[str, Callable[[Comparison], object]] = {
    "float": _float,
    "Decimal": _decimal,
    "int": _count,
    "date": _date,
    "EquityBasis": lambda asked: asked.value,
}


def _parameter(asked: Comparison) -> Condition:
    path = asked.name.split(".")
    value = _json(asked.value)
    if asked.operator in {"=", "=="}:
        if _is_in_an_array(path) or value.lstrip().startswith(("{", "[")):
            return sql.condition("parameter_equals", _containing(path, value), path, value)
        return sql.condition("parameter_is", _containing(path, value))
    if asked.operator == "!=":
        return sql.condition("parameter_differs", path, value)
    if not isinstance(json.loads(value), (str, int, float)) or value in {"true", "false"}:
        raise UsageError(
            f"--param {asked.name}: {asked.value} is neither more nor less than others"
        )
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
