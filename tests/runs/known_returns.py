"""Runs of which every daily return is known, stored as months."""

import random
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import prod, sqrt
from statistics import fmean, pstdev, stdev
from typing import Any

from backtest_store.models import Record
from tests.factories import make_record

Days = list[list[float]]
YEAR = 252.0
PERIODS = ("returns", "counts", "means", "deviations")
NO_MONTHS = dict.fromkeys(["period", "period_start", *(f"period_{name}" for name in PERIODS)])


def drawn(seed: int, months: int, *, mean: float = 0.0, common: Days | None = None) -> Days:
    """Draw the daily returns of some months; half of their variance is common with others."""
    draw = random.Random(seed)
    own = [[draw.gauss(mean, 0.01) for _ in range(21)] for _ in range(months)]
    if common is None:
        return own
    return [
        [(a + b) / sqrt(2) for a, b in zip(mine, theirs, strict=True)]
        for mine, theirs in zip(own, common, strict=True)
    ]


def compounded(returns: Sequence[float]) -> float:
    return prod(1 + r for r in returns) - 1


def run_of(days: Days, number: int, start: date = date(2010, 1, 1), **changes: Any) -> Record:
    """Make the run that had these daily returns."""
    flat = [r for month in days for r in month]
    last = start.month - 1 + len(days) - 1
    end = date(start.year + last // 12, last % 12 + 1, 1)
    values: dict[str, Any] = {
        "config_hash": f"{number:064x}",
        "parameters": {"number": number},
        "start_date": datetime(start.year, start.month, 1, tzinfo=UTC),
        "end_date": datetime(end.year, end.month, monthrange(end.year, end.month)[1], tzinfo=UTC),
        "sharpe_ratio": fmean(flat) / stdev(flat) * sqrt(YEAR),
        "total_return": compounded(flat),
        "returns_count": len(flat),
        "periods_per_year": YEAR,
        "returns_skewness": 0.0,
        "returns_kurtosis": 3.0,
        "period": "month",
        "period_start": start,
        "period_returns": [compounded(month) if month else None for month in days],
        "period_counts": [len(month) for month in days],
        "period_means": [fmean(month) if month else None for month in days],
        "period_deviations": [pstdev(month) if month else None for month in days],
    }
    return make_record(**values | changes)
