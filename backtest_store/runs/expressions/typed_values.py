"""Values as a person types them: times, ages, comparisons and the numbers in them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from backtest_store.errors import UsageError

COMPARISON = re.compile(
    r"\s*([^=!<>]*[^=!<>\s])\s*(<=|>=|!=|==?|<|>)\s*(?![=!<>])(.*?)\s*", re.DOTALL
)
WRITTEN_OPERATORS = "= != < <= > >="
AGE = re.compile(r"(\d{1,6}) ?(h|d|w)")
AGE_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
WIDEST_NUMBER = 1000
Value = None | bool | Decimal | str  # in an expression


class TypedComparison(NamedTuple):
    """`name operator value`; the operator is one of = != < <= > >=."""

    name: str
    operator: str
    value: str


def plain_text(text: str) -> str:
    """Return a text if PostgreSQL can hold it: no NUL, and no bytes that are not UTF-8."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!r} has a NUL, or bytes that are not UTF-8")
    return text


def comparison(text: str, option: str) -> TypedComparison:
    """Split a comparison into its parts."""
    match = COMPARISON.fullmatch(plain_text(text))
    if match is None:
        raise UsageError(
            f"{option} {text!r} is not a comparison",
            hint=f"write it like {option} 'name>=10', with one of {WRITTEN_OPERATORS}",
        )
    name, operator, value = match.groups()
    return TypedComparison(name, "=" if operator == "==" else operator, value)


def parse_time(text: str) -> datetime:
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


def parse_end_time(text: str) -> datetime:
    """Return the first moment after the time, or after the day, that a text names."""
    is_day = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text)
    try:
        return parse_time(text) + (timedelta(days=1) if is_day else timedelta(microseconds=1))
    except OverflowError as error:
        raise UsageError(f"{text!r} is after the year 9999") from error


_YEARS = range(1677, 2263)  # of times in nanoseconds, as NautilusTrader has them


def first_of_month(text: str) -> date:
    """Return the first day of a month that is written as 2015-06 or by that day."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})(?:-0?1)?", text.strip())
    try:
        return date(int(found[1]), int(found[2]), 1) if found else date.fromisoformat("")
    except ValueError:
        hint = "runs keep whole months: write one as 2015-06"
        raise UsageError(f"{text!r} is not a month", hint=hint) from None


def span_of_months(text: str) -> tuple[date, date]:
    """Return the first days of the months that 2008-01..2009-03 begins and ends with."""
    first, dots, last = text.partition("..")
    months = first_of_month(first), first_of_month(last if dots else first)
    if months[0] > months[1]:
        raise UsageError(f"{text} ends before it begins", hint="write --while 2008-01..2009-03")
    if months[0].year < _YEARS.start or months[1].year not in _YEARS:
        what = f"{_YEARS.start} to {_YEARS.stop - 1}"
        raise UsageError(f"{text} is beyond the times of market data, {what}")
    return months
