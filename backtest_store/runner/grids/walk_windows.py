"""The windows of a walk forward through time: train on one, test on the next, move on."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import NamedTuple

from backtest_store.runner.config.file import Place
from backtest_store.runner.config.grid_section import WalkConfig

_LENGTH = re.compile(r"(\d+)\s*([ymwd])")
_DATE_LENGTH = len("2005-01-31")
_DAY = timedelta(days=1)


class Window(NamedTuple):
    """From when to when one is, in ISO 8601, and whether it is for `train` or `test`."""

    start: str
    end: str
    tag: str


def windows(walk: WalkConfig, start: str, end: str, place: Place) -> list[Window]:
    """Return the windows between two dates."""
    try:
        first, last = (date.fromisoformat(day[:_DATE_LENGTH]) for day in (start, end))
    except ValueError as error:
        place.refuse(f"data.start and data.end must be dates: {error}")
    found: list[Window] = []
    while (after := _later(_later(first, walk.train, place), walk.test, place)) <= last + _DAY:
        middle = _later(first, walk.train, place)
        found += [_window(first, middle, "train"), _window(middle, after, "test")]
        first = _later(first, walk.test, place)
    return found or place.refuse(f"{walk.train} and {walk.test} are longer than {start} to {end}")


def _window(first: date, after: date, tag: str) -> Window:
    return Window(first.isoformat(), (after - _DAY).isoformat(), tag)


def _later(day: date, length: str, place: Place) -> date:
    match = _LENGTH.fullmatch(length.strip().lower())
    if match is None or not int(match[1]):
        place.refuse(f"{length!r} is not a length; write 3y, 6m, 2w or 90d")
    number, unit = int(match[1]), match[2]
    if unit in "dw":
        return day + timedelta(days=number * (7 if unit == "w" else 1))
    months = day.month - 1 + number * (12 if unit == "y" else 1)
    year, month = day.year + months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
