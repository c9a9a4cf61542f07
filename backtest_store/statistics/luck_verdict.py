"""What the best of several trials is worth: luck's formulas put to one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backtest_store.statistics import Variance
from backtest_store.statistics.luck import (
    CONFIDENCE,
    SharpeEstimate,
    chance_of_luck,
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum,
    minimum_track_record,
    probabilistic_sharpe_ratio,
    trials_deviation,
)

Finding = Literal["real", "luck", "cannot_tell"]
FEWEST_RETURNS = 60  # of fewer, skewness and kurtosis say nothing, and all formulas rest on them


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The trials among which a run is the best, deleted ones included.

    `deviation` is that of their Sharpe ratios per period. Without a known correlation they count as
    independent, which is the most that they can be.
    """

    count: int
    deviation: float = 0.0
    correlation: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a run's Sharpe ratio is worth, given the trials before it; Sharpe ratios are per period.

    `probabilistic_sharpe_ratio` is the probability that the true one is above 0, had there been one
    trial, and `minimum_track_record` after how many returns it would be for sure; `chance_of_luck`
    that the best of as many trials without skill does as well: it is a ``real`` finding at 5 % or
    less.
    """

    trials: int
    effective_trials: float
    sharpe_ratio_from_luck: float
    probabilistic_sharpe_ratio: float
    deflated_sharpe_ratio: float
    minimum_track_record: int | None
    chance_of_luck: float
    finding: Finding


def judge(
    estimate: SharpeEstimate,
    trials: Trials,
    variance: Variance = "published",
    confidence: float = CONFIDENCE,
) -> Verdict:
    """Tell what the best of several trials is worth."""
    independent = effective_trials(trials.count, trials.correlation or 0.0, confidence)
    deviation = trials_deviation(trials.deviation, estimate, variance)
    from_luck = expected_maximum(deviation, independent)
    error = estimate.standard_error(0.0, variance)
    chance = chance_of_luck(estimate.sharpe_ratio, error, independent)
    return Verdict(
        trials=trials.count,
        effective_trials=independent,
        sharpe_ratio_from_luck=from_luck,
        probabilistic_sharpe_ratio=probabilistic_sharpe_ratio(estimate, 0.0, variance),
        deflated_sharpe_ratio=deflated_sharpe_ratio(estimate, from_luck, variance),
        minimum_track_record=minimum_track_record(estimate, 0.0, variance, confidence),
        chance_of_luck=chance,
        finding=_finding(estimate, chance, confidence),
    )


def _finding(estimate: SharpeEstimate, chance: float, confidence: float) -> Finding:
    if estimate.returns_count < FEWEST_RETURNS:
        return "cannot_tell"
    return "real" if chance <= 1 - confidence else "luck"
