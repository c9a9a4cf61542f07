"""What a run earned in each month, and what that says of any span of whole months.

A month keeps the number, the mean and the deviation of its daily returns, from which the Sharpe
ratio of a span follows exactly: sums over months are sums over days. A short run keeps its daily
returns themselves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import MAXYEAR, date, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from math import fsum, prod, sqrt
from operator import mul

from backtest_store.models import Metrics, PeriodLength

FEWEST_MONTHS = 13  # a run over fewer calendar months keeps its days
MONTHS_A_YEAR = 12
DIGITS_OF_SINGLE = 9
LARGEST_SINGLE = 3e38
NOISE = 1e-14  # of the mean square: a variance this small is rounding


@dataclass(frozen=True, kw_only=True)
class Periods:
    """The returns of a run period by period, as the table `periods` has them."""

    period: PeriodLength
    period_start: date
    period_returns: list[float | None]
    period_counts: list[int] | None = None
    period_means: list[float | None] | None = None
    period_deviations: list[float | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Month:
    """The daily returns of a calendar month: their count, sum, mean and deviation (ddof 0).

    The total is compounded; all are fractions.
    """

    first: date
    count: int
    total: float = 0.0
    mean: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SpanMetrics:
    """What a run did over some months, annualised by its `periods_per_year`; None is undefined.

    The drawdown is that of equity at the ends of months: what is deeper within one is not seen.
    """

    total_return: float
    returns_count: int
    sharpe_ratio: float | None
    volatility: float | None
    max_drawdown: float


@dataclass(frozen=True, kw_only=True)
class DrawdownPeriod:
    """A drawdown: the first day below the peak, the lowest, and the day it was made up for."""

    start: date
    deepest: date
    depth: float
    end: date | None = None


def periods_of(capital: Decimal, values: Sequence[tuple[date, Decimal]]) -> Periods | None:
    """Sum up the daily returns of an equity curve, month by month, in single precision as stored.

    None if there is no day, or if equity was ever at zero or below, when returns mean nothing.
    """
    levels = [capital, *(level for _, level in values)]
    if not values or not all(level.is_finite() and level > 0 for level in levels):
        return None
    returns = [float(after / before - 1) for before, after in pairwise(levels)]
    if any(abs(r) > LARGEST_SINGLE for r in returns):
        return None
    daily = {day: r for (day, _), r in zip(values, returns, strict=True)}
    first, last = values[0][0], values[-1][0]
    if _months_between(first, last) + 1 < FEWEST_MONTHS:
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        kept = [single(daily[day]) if day in daily else None for day in days]
        return Periods(period="day", period_start=first, period_returns=kept)
    months = list(_months(daily))
    return Periods(
        period="month",
        period_start=months[0].first,
        period_returns=[single(m.total) if m.count else None for m in months],
        period_counts=[m.count for m in months],
        period_means=[single(m.mean) if m.count else None for m in months],
        period_deviations=[single(m.deviation) if m.count else None for m in months],
    )


def months_of(metrics: Metrics) -> list[Month]:
    """Return the months of a whole record, oldest first, those without market data included."""
    start, returns = metrics.period_start, metrics.period_returns
    if start is None or returns is None:
        return []
    if metrics.period == "day":
        days = ((start + timedelta(n), r) for n, r in enumerate(returns))
        return list(_months({day: r for day, r in days if r is not None}))
    counts, means = metrics.period_counts or (), metrics.period_means or ()
    stored = (returns, counts, means, metrics.period_deviations or ())
    if len({len(values) for values in stored}) > 1:
        return []  # only past the checks of the schema
    return [
        Month(
            first=_later(start, place),
            count=count,
            total=total or 0.0,
            mean=mean or 0.0,
            deviation=deviation or 0.0,
        )
        for place, (total, count, mean, deviation) in enumerate(zip(*stored, strict=True))
    ]


def levels_of(metrics: Metrics) -> list[float]:
    """Return equity at the end of each month, or day of a short run, as a multiple of capital."""
    return list(accumulate((1 + (r or 0.0) for r in metrics.period_returns or ()), mul))


def equity_levels(metrics: Metrics) -> list[tuple[date, float]]:
    """Return the same, each with its month's first day, or its day."""
    start, levels = metrics.period_start, levels_of(metrics)
    if start is None:
        return []
    if metrics.period == "day":
        return [(start + timedelta(n), level) for n, level in enumerate(levels)]
    return [(_later(start, n), level) for n, level in enumerate(levels)]


def drawdowns(levels: Sequence[float]) -> list[float]:
    """Return how far each level is below the highest before it, starting capital included."""
    peaks = accumulate(levels, max, initial=1.0)
    next(peaks)
    return [level / peak - 1 for level, peak in zip(levels, peaks, strict=True)]


def drawdown_periods(levels: Sequence[tuple[date, float]]) -> list[DrawdownPeriod]:
    """Return the times during which equity was below a peak, the deepest first."""
    depths = drawdowns([level for _, level in levels])
    found: list[DrawdownPeriod] = []
    below = False
    for (day, _), depth in zip(levels, depths, strict=True):
        if depth == 0:
            if below:
                found[-1] = replace(found[-1], end=day)
        elif not below:
            found.append(DrawdownPeriod(start=day, deepest=day, depth=depth))
        elif depth < found[-1].depth:
            found[-1] = replace(found[-1], deepest=day, depth=depth)
        below = depth < 0
    return sorted(found, key=lambda fall: fall.depth)


def metrics_of_months(months: Sequence[Month], periods_per_year: float) -> SpanMetrics:
    """Tell what a run did over some consecutive months."""
    count = sum(month.count for month in months)
    mean = fsum(m.count * m.mean for m in months) / count if count else 0.0
    square = fsum(m.count * (m.deviation**2 + m.mean**2) for m in months)
    variance = (square - count * mean**2) / (count - 1) if count > 1 else 0.0
    moves = count > 1 and variance > NOISE * square / count
    return SpanMetrics(
        total_return=prod(1 + month.total for month in months) - 1,
        returns_count=count,
        sharpe_ratio=mean / sqrt(variance) * sqrt(periods_per_year) if moves else None,
        volatility=sqrt(variance * periods_per_year) if moves else None,
        max_drawdown=min(drawdowns([*accumulate((1 + m.total for m in months), mul)]), default=0.0),
    )


def single(number: float) -> float:
    """Round to single precision: the shortest decimal that a `real` column gives back."""
    packed = struct.pack("f", number)
    (stored,) = struct.unpack("f", packed)  # the decimals of the number itself may be other ones
    shortest = (float(f"{stored:.{digits}g}") for digits in range(6, DIGITS_OF_SINGLE + 1))
    return next((n for n in shortest if struct.pack("f", n) == packed), number)


def _months(daily: dict[date, float]) -> Iterator[Month]:
    """Yield each month from the first day to the last."""
    by_month: dict[date, list[float]] = {}
    for day, r in sorted(daily.items()):
        by_month.setdefault(day.replace(day=1), []).append(r)
    first, last = min(by_month), max(by_month)
    for place in range(_months_between(first, last) + 1):
        month = _later(first, place)
        yield _summed(month, by_month.get(month, []))


def _summed(first: date, returns: list[float]) -> Month:
    if not returns:
        return Month(first=first, count=0)
    mean = fsum(returns) / len(returns)
    return Month(
        first=first,
        count=len(returns),
        total=prod(1 + r for r in returns) - 1,
        mean=mean,
        deviation=sqrt(fsum((r - mean) ** 2 for r in returns) / len(returns)),
    )


def _later(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, MONTHS_A_YEAR)
    return date(min(first.year + years, MAXYEAR), month + 1, 1)


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * MONTHS_A_YEAR + last.month - first.month
