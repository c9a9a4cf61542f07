"""Moments and days of UNIX time in nanoseconds. A moment belongs to the day in which it ends.

What closes at midnight is the last of the day that ends then, not the first of the next: a daily
bar is delivered at that moment, and is what happened on the day before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nautilus_trader.core.data import Data

DAY = 86_400_000_000_000


def moment(nanoseconds: int | None) -> datetime | None:
    """Return a UNIX time in nanoseconds as UTC, to the microsecond."""
    if nanoseconds is None:
        return None
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def isoformat(nanoseconds: int | None) -> str | None:
    """Return a UNIX time in nanoseconds in ISO 8601."""
    time = moment(nanoseconds)
    return None if time is None else time.isoformat()


def day_of(time: int) -> int:
    """Return the day, counted from 1970, to which a moment belongs."""
    return (time - 1) // DAY


def midnight_after(day: int) -> int:
    """Return the last moment of a day."""
    return (day + 1) * DAY


def date_of(day: int) -> date:
    """Return a day as a date, UTC."""
    return datetime.fromtimestamp(day * 86_400, UTC).date()


def beginning_of(data: Data) -> date:
    """Return the date on which an element of data begins: a bar long before it closes."""
    time = int(data.ts_init)
    if type(data).__name__ != "Bar":
        return date_of(time // DAY)
    spec = data.bar_type.spec
    step, aggregation, *_ = str(spec).split("-")
    months = int(step) * {"MONTH": 1, "YEAR": 12}.get(aggregation, 0)
    if months:
        last = date_of(day_of(time))
        after = last + timedelta(1)
        place = after.year * 12 + after.month - 1 - months
        return date(place // 12, place % 12 + 1, 1)
    try:
        length = int(spec.timedelta / timedelta(microseconds=1)) * 1000
    except (AttributeError, ValueError):  # bars of ticks, volume or value have no length
        return date_of(time // DAY)
    return date_of((time - length) // DAY)
