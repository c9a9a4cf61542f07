"""The months of a run as people read them: a line a year, a column a month, the year beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod
from typing import Any

from backtest_store.models import Record
from backtest_store.statistics.months import months_of

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
CELL, YEAR = 5, 7  # a loss of ten percent has no room for tenths


def lines(record: Record) -> list[str]:
    """Return a table of the returns of a run's months, in percent; none of a run without them."""
    years = [
        f"{year:<5}{''.join(map(_cell, months))}{_tenths(whole):>{YEAR}}"
        for year, *months, whole in by_year(record)
    ]
    heading = "".join(f"{name:>{CELL}}" for name in MONTHS)
    return [f"in % {heading}{'year':>{YEAR}}", *years] if years else []


def years_of(records: Sequence[Record]) -> list[str]:
    """Return a table of the returns of several runs' years, in percent, a column a run."""
    known = [{year: whole for year, *_, whole in by_year(record)} for record in records]
    names = [f"{record.strategy_name:>{YEAR}}" for record in records]
    found = [f"in %  {'  '.join(names)}"]
    for year in sorted({year for years in known for year in years}):
        cells = (
            f"{_tenths(years.get(year)):>{len(name)}}"
            for name, years in zip(names, known, strict=True)
        )
        found.append(f"{year:<4}  {'  '.join(cells)}".rstrip())
    return found


def by_year(record: Record) -> Iterator[tuple[Any, ...]]:
    """Yield each year, the returns of its twelve months, and its own; None without market data."""
    for year, months in groupby(months_of(record), key=lambda month: month.first.year):
        known = {month.first.month: month.total for month in months if month.count}
        whole = prod(1 + total for total in known.values()) - 1 if known else None
        yield year, *(known.get(month) for month in range(1, 13)), whole


def _tenths(total: float | None) -> str:
    return "" if total is None else f"{100 * total:z.1f}"


def _cell(total: float | None) -> str:
    text = _tenths(total)
    return f"{text if len(text) < CELL else f'{100 * (total or 0):z.0f}':>{CELL}}"
