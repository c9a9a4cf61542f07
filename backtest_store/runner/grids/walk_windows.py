"""The windows of a walk forward through time: train on one, test on the next, move on."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Any

from backtest_store.runner.config.file import Place

_LENGTH = re.compile(r"(\d+)\s*([ymwd])")
_DATE_LENGTH = len("2005-01-31")
Window = tuple[dict[str, str], str | None]


def windows(walk: Any, start: str, end: str, place: Place) -> list[Window]:
    """Return the windows between two dates, and which are for training and which for tests."""
    if not isinstance(walk, dict) or set(walk) != {"train", "test"}:
        place.refuse('has a train and a test: walk = {train = "3y", test = "1y"}')
    try:
        first, last = (date.fromisoformat(day[:_DATE_LENGTH]) for day in (start, end))
    except ValueError as error:
        place.refuse(f"data.start and data.end must be dates: {error}")
    train, test = walk["train"], walk["test"]
    found: list[Window] = []
    while (ending := _later(middle := _later(first, train, place), test, place)) <= last + _DAY:
        found += [(_period(first, middle), "train"), (_period(middle, ending), "test")]
        first = _later(first, test, place)
    return found or place.refuse(f"{train} and {test} are longer than {start} to {end}")


_DAY = timedelta(days=1)


def _period(first: date, after: date) -> dict[str, str]:
    return {"start": first.isoformat(), "end": (after - _DAY).isoformat()}


def _later(day: date, length: object, place: Place) -> date:
    match = _LENGTH.fullmatch(str(length).strip().lower())
    if match is None or not int(match[1]):
        place.refuse(f"{length!r} is not a length; write 3y, 6m, 2w or 90d")
    number, unit = int(match[1]), match[2]
    if unit in "dw":
        return day + timedelta(days=number * (7 if unit == "w" else 1))
    months = day.month - 1 + number * (12 if unit == "y" else 1)
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
