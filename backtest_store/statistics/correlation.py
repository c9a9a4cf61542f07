"""How alike several runs are: the correlation of their returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST_PERIODS = 3  # two periods always correlate by 1 or -1
ROUNDING = 1e-14  # relative to the returns: a deviation this small is none


def standardised(returns: Array) -> Array:
    """Return the series (a row a run) that move, each with mean 0 and variance 1."""
    means = returns.mean(axis=1, keepdims=True)
    deviations = returns.std(axis=1, keepdims=True)
    moves = (deviations > ROUNDING * (1 + np.abs(means))).ravel()
    moving: Array = (returns[moves] - means[moves]) / deviations[moves]
    return moving


def mean_correlation(returns: Array) -> float | None:
    """Compute the mean correlation of two of several runs' returns, from -1 to 1.

    None of fewer than two runs that move, or of fewer than three periods. No pair is ever formed:
    the variance of the sum of n standardised series is ``n + n * (n - 1) * mean correlation``.
    """
    if returns.shape[1] < FEWEST_PERIODS:
        return None
    series = standardised(returns)
    count, periods = series.shape
    if count < 2:  # noqa: PLR2004 - a pair
        return None
    total = series.sum(axis=0)
    return float((total @ total / periods - count) / (count * (count - 1)))
