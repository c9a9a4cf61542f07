"""Values as a person types them: times, ages, comparisons and the numbers in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import NamedTuple

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS
from backtest_store.store.fields import TYPES

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


def plain_text(text: str) -> str:
    """Return a text that PostgreSQL can hold.

    Raises
    ------
    UsageError
        If it has a NUL character, or bytes that are not UTF-8.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!r} has a NUL, or bytes that are not UTF-8")
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
        raise UsageError(f"{text!r} is after the year 9999") from error


def metric_value(asked: Comparison) -> object:
    """Return the value that a metric is compared to, of the metric's type.

    Raises
    ------
    UsageError
        If the metric has no such values.
    """
    return _VALUES[TYPES[asked.name]](asked)


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
    "PeriodLength": lambda asked: asked.value,
}


def first_of_month(text: str) -> date:
    """Return the first day of a month that is written as 2015-06 or by that day.

    Raises
    ------
    UsageError
        If it is another day, or none.
    """
    found = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-0?1)?", text.strip())
    try:
        return date(int(found[1]), int(found[2]), 1) if found else date.fromisoformat("")
    except ValueError:
        hint = "runs keep whole months: write one as 2015-06"
        raise UsageError(f"{text!r} is not a month", hint=hint) from None


def span_of_months(text: str) -> tuple[date, date]:
    """Return the first days of the months that 2008-01..2009-03 begins and ends with.

    Raises
    ------
    UsageError
        If it is no such span.
    """
    first, dots, last = text.partition("..")
    months = first_of_month(first), first_of_month(last if dots else first)
    if months[0] > months[1]:
        raise UsageError(f"{text} ends before it begins", hint="write --while 2008-01..2009-03")
    return months
