"""The months of a run as people read them: a line a year, a column a month, the year beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod

from backtest_store.models import Record
from backtest_store.statistics.months import Month, months_of

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
CELL, YEAR = 5, 7
TENFOLD = 9.95  # from here on, tenths of a percent do not fit


def lines(record: Record) -> list[str]:
    """Return a table of the returns of a run's months, in percent; none of a run without them."""
    months = months_of(record)
    if not months:
        return []
    heading = "".join(f"{name:>{CELL}}" for name in MONTHS)
    return [f"in % {heading}{'year':>{YEAR}}", *_years(months)]


def _years(months: Sequence[Month]) -> Iterator[str]:
    for year, those in groupby(months, key=lambda month: month.first.year):
        known = {month.first.month: month.total for month in those if month.count}
        cells = "".join(_cell(known.get(month)) for month in range(1, 13))
        whole = prod(1 + total for total in known.values()) - 1 if known else None
        of_year = "" if whole is None else f"{100 * whole:z.1f}"
        yield f"{year:<5}{cells}{of_year:>{YEAR}}"


def _cell(total: float | None) -> str:
    if total is None:
        return " " * CELL
    percent = 100 * total
    text = f"{percent:z.0f}" if abs(percent) >= TENFOLD else f"{percent:z.1f}"
    return f"{text:>{CELL}}"
