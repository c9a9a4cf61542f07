"""The kinds of value that a config file holds, each with what is said when it is not one."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, StringConstraints

# NautilusTrader aborts the process on an aggregation that it does not know, refuses steps that do
# not divide the next longer unit, and fills no order from bars of a month.
_BAR_STEPS = {"SECOND": 60, "MINUTE": 60, "HOUR": 24, "DAY": 1, "WEEK": 1}
_BAR = re.compile(r"(\d{1,4})-([A-Z]+)(?:-(LAST|MID|BID|ASK))?(?:-EXTERNAL)?")
_MONEY = re.compile(r"(\d[\d_]*(?:\.\d+)?) ([A-Z][A-Z0-9]{1,9})")
_INSTRUMENT_ID = re.compile(r"[^\s.]([^\s]*[^\s.])?\.[A-Za-z0-9_-]+")
_STRATEGY_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_DATE_LENGTH = len("2005-01-31")
# What msgspec and Pydantic call kinds of value, and what people do.
_WORDS = {
    "int": "a whole number", "float": "a number", "decimal": "a number", "bool": "true or false",
    "str": "a text", "array": "a list", "object": "a table", "a valid integer": "a whole number",
    "a valid number": "a number", "a valid boolean": "true or false", "a valid string": "a text",
    "a valid list": "a list", "a valid dictionary": "a table",
}  # fmt: skip
_EXPECTED = re.compile(r"Expected `([^`]+)`(?:, got `[^`]+`)?")
_SHOULD_BE = re.compile(r"Input should be (a valid \w+)?(?: or instance .*|, (?:unable|got) .*)?")
_BOUNDS = {"greater than or equal to": "at least", "less than or equal to": "at most"}


def in_words(message: str) -> str:
    """Say in a trader's words what msgspec or Pydantic demands of a value."""

    def wanted(found: re.Match[str]) -> str:
        kinds = dict.fromkeys(_WORDS.get(k, k) for k in found[1].split(" | ") if k != "null")
        return f"must be {' or '.join(kinds)}"

    if message == "Invalid decimal string":
        return "must be a number"
    message = _SHOULD_BE.sub(lambda m: f"must be {_WORDS.get(m[1] or '', m[1] or '')}", message)
    for written, bound in _BOUNDS.items():
        message = message.replace(written, bound)
    return _EXPECTED.sub(wanted, message)


def is_strategy_path(text: str) -> bool:
    """Return whether the text looks like ``package.module:Class``."""
    return _STRATEGY_PATH.fullmatch(text) is not None


def _moment(value: object) -> date:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        is_date = len(text) <= _DATE_LENGTH
        return date.fromisoformat(text) if is_date else _moment(datetime.fromisoformat(text))
    except ValueError:
        raise ValueError(
            f"{value!r} is not a date or time; write 2005-01-31 or 2005-01-31T15:30:00Z"
        ) from None


def _money(value: object) -> str:
    match = _MONEY.fullmatch(str(value).strip())
    amount = match[1].replace("_", "") if match else "0"
    if match is None or not Decimal(amount):
        raise ValueError(f"{value!r} is not an amount of money; write it as '100000 USD'")
    return f"{amount} {match[2]}"


def _bar(value: object) -> str:
    match = _BAR.fullmatch(str(value).strip().upper())
    if match is None or match[2] not in _BAR_STEPS:
        raise ValueError(
            f"{value!r} is not a kind of bar that can be run; write a step and one of"
            f" {', '.join(_BAR_STEPS)}, such as '1-DAY' or '15-MINUTE'"
        )
    step, whole = int(match[1]), _BAR_STEPS[match[2]]
    if not step or whole % step:
        raise ValueError(
            f"{value!r} is not a kind of bar that can be run; {step} must be a divisor of {whole}"
        )
    return f"{step}-{match[2]}-{match[3] or 'LAST'}"


def _instrument_id(value: object) -> str:
    if not isinstance(value, str) or _INSTRUMENT_ID.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not an instrument; write SYMBOL.VENUE, such as 'AAPL.XNAS'")
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Moment = Annotated[date, PlainValidator(_moment)]
MoneyText = Annotated[str, PlainValidator(_money)]
BarText = Annotated[str, PlainValidator(_bar)]
InstrumentIdText = Annotated[str, PlainValidator(_instrument_id)]
UpperCase = BeforeValidator(_upper)
Fee = Annotated[Decimal, Field(ge=Decimal("-0.1"), le=Decimal("0.1"))]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}$")]
DecimalPlaces = Annotated[int, Field(ge=0, le=9)]
Step = Annotated[Decimal, Field(gt=0)]
SnakeCase = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
