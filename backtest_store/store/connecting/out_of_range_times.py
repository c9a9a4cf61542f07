"""Dates and times beyond Python's, put in by hand, are read as the nearest that Python has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)
MICROSECONDS = (FIRST - EPOCH) // MICROSECOND, (LAST - EPOCH) // MICROSECOND
DAYS = (FIRST - EPOCH) // DAY, (LAST - EPOCH) // DAY


class TimesConnection(asyncpg.Connection):
    """A connection that reads again, slower, what asyncpg cannot decode."""

    __slots__ = ()

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        """Run a query and return its rows."""
        try:
            rows: list[Any] = await super().fetch(query, *args, **options)
        except (OverflowError, ValueError):  # the first of times, the other of dates
            await read_any_time(self)
            rows = await super().fetch(query, *args, **options)
        return rows


async def read_any_time(db: asyncpg.Connection) -> None:
    """Have a connection read every date and time that PostgreSQL has."""
    codecs = {"timestamptz": (_written, _read), "date": (_written_date, _read_date)}
    for name, (encoder, decoder) in codecs.items():
        await db.set_type_codec(
            name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="tuple"
        )


def _read(value: tuple[int]) -> datetime:
    first, last = MICROSECONDS
    return EPOCH + timedelta(microseconds=min(max(value[0], first), last))


def _read_date(value: tuple[int]) -> date:
    first, last = DAYS
    return (EPOCH + timedelta(days=min(max(value[0], first), last))).date()


def _written(value: datetime) -> tuple[int]:
    return ((value - EPOCH) // MICROSECOND,)


def _written_date(value: date) -> tuple[int]:
    return ((value - EPOCH.date()) // DAY,)
