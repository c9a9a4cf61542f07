"""How much of a Sharpe ratio is luck: formulas for one estimate, and for the best of many.

All Sharpe ratios here are per period (of daily returns, not annualised). Annualised ones go in as
``sharpe_ratio / sqrt(periods_per_year)``.

References
----------
.. [1] D. H. Bailey and M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk
   15(2), 2012, pp. 3-44.
.. [2] D. H. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
   Management 40(5), 2014, pp. 94-107.
.. [3] M. Lopez de Prado, A. Lipton and V. Zoonekynd, "How to Use the Sharpe Ratio", ADIA Lab
   Research Paper 19, 2025.
.. [4] Z. Sidak, "Rectangular Confidence Regions for the Means of Multivariate Normal
   Distributions", Journal of the American Statistical Association 62, 1967, pp. 626-633.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, e, exp, log, log1p, pi, sqrt
from statistics import NormalDist

from backtest_store.statistics import Variance

NORMAL = NormalDist()
EULER_MASCHERONI = 0.5772156649015329
CONFIDENCE = 0.95
LEAST_RETURNS = 3  # with fewer there is no skewness
LARGEST_QUANTILE = 38.0  # where the normal distribution ends in double precision
STEPS = 400  # of an integral over a normal density, which is smooth: 1e-12 is reached at 200


@dataclass(frozen=True, kw_only=True)
class SharpeEstimate:
    """A Sharpe ratio per period as it was measured, and what its uncertainty depends on.

    The kurtosis is not excess: 3 for a normal distribution. The autocorrelation is that at lag 1;
    only the variance ``null`` looks at it.
    """

    sharpe_ratio: float
    returns_count: int
    skewness: float = 0.0
    kurtosis: float = 3.0
    autocorrelation: float = 0.0

    def __post_init__(self) -> None:
        if self.returns_count < LEAST_RETURNS:
            raise ValueError(f"at least {LEAST_RETURNS} returns are needed")
        if not -1 < self.autocorrelation < 1:
            raise ValueError(f"an autocorrelation lies within -1 and 1, was {self.autocorrelation}")

    def standard_error(self, benchmark: float = 0.0, variance: Variance = "published") -> float:
        """Estimate the standard deviation of the estimator, per period.

        ``published`` takes it at the measured Sharpe ratio, for returns without autocorrelation,
        over T - 1 [1]_. ``null`` takes it where the test does, at the benchmark, for returns with
        autocorrelation, over T [3]_.
        """
        if variance == "published":
            spread = _spread(self.sharpe_ratio, self.skewness, self.kurtosis, 0.0)
            return sqrt(spread / (self.returns_count - 1))
        spread = _spread(benchmark, self.skewness, self.kurtosis, self.autocorrelation)
        return sqrt(spread / self.returns_count)


def _spread(sharpe_ratio: float, skewness: float, kurtosis: float, rho: float) -> float:
    """Return T times the variance of the estimator; skewness and kurtosis cannot make it <= 0."""
    linear, square = rho / (1 - rho), rho**2 / (1 - rho**2)
    spread = (
        (1 + 2 * linear)
        - (1 + linear + square) * skewness * sharpe_ratio
        + (1 + 2 * square) * (kurtosis - 1) / 4 * sharpe_ratio**2
    )
    if spread <= 0:
        raise ValueError("skewness and kurtosis are not those of one distribution")
    return spread


def probabilistic_sharpe_ratio(
    estimate: SharpeEstimate, benchmark: float = 0.0, variance: Variance = "published"
) -> float:
    """Compute the probability that the true Sharpe ratio is above a benchmark, per period [1]_."""
    excess = estimate.sharpe_ratio - benchmark
    return NORMAL.cdf(excess / estimate.standard_error(benchmark, variance))


def expected_maximum(deviation: float, trials: float) -> float:
    """Compute the Sharpe ratio per period that the best of several trials has by luck alone [2]_.

    It is ``deviation * ((1 - g) * z(1 - 1/N) + g * z(1 - 1/(N*e)))``, z being the normal quantile,
    g the Euler-Mascheroni constant and `deviation` that of the trials' Sharpe ratios. That
    approximation is one for two trials or more; between one and two, a straight line leads to it
    from 0.
    """
    if trials < 1:
        raise ValueError(f"there is at least one trial, was {trials}")
    several = max(trials, 2.0)
    rarest = NORMAL.inv_cdf(1 - 1 / several), NORMAL.inv_cdf(1 - 1 / (several * e))
    quantile = (1 - EULER_MASCHERONI) * rarest[0] + EULER_MASCHERONI * rarest[1]
    return deviation * quantile * min(trials - 1, 1.0)


def deflated_sharpe_ratio(
    estimate: SharpeEstimate, from_luck: float, variance: Variance = "published"
) -> float:
    """Compute the probability that the true Sharpe ratio is above what luck alone shows [2]_."""
    return probabilistic_sharpe_ratio(estimate, from_luck, variance)


def trials_deviation(observed: float, estimate: SharpeEstimate, variance: Variance) -> float:
    """Return the deviation of trials without skill, from what is observed among them, per period.

    A tight grid has Sharpe ratios that hardly differ, and would hardly be deflated; yet each of
    them came about with the estimator's own error, so that is the least.
    """
    return max(observed, estimate.standard_error(0.0, variance))


def minimum_track_record(
    estimate: SharpeEstimate,
    benchmark: float = 0.0,
    variance: Variance = "published",
    confidence: float = CONFIDENCE,
) -> int | None:
    """Count the returns after which the Sharpe ratio would be above a benchmark for sure [1]_.

    None if it is not above the benchmark, when no number of returns is enough.
    """
    excess = estimate.sharpe_ratio - benchmark
    if excess <= 0:
        return None
    is_published = variance == "published"
    counted = estimate.returns_count - 1 if is_published else estimate.returns_count
    spread = estimate.standard_error(benchmark, variance) ** 2 * counted
    needed = spread * (NORMAL.inv_cdf(confidence) / excess) ** 2
    return ceil(needed + 1 if is_published else needed)


def effective_trials(trials: int, correlation: float, confidence: float = CONFIDENCE) -> float:
    """Count the independent trials among which luck goes as far as among these correlated ones.

    Estimates that share a correlation r, below 0 counting as 0, are ``sqrt(r) * common + sqrt(1 -
    r) * own``, so that the best of N stays under t with probability ``E[cdf((t - sqrt(r) * common)
    / sqrt(1 - r)) ** N]``; independent ones do so with ``cdf(t) ** N``. They are compared at the
    level under which the best stays with the given confidence. Trials that come in clusters are at
    most that many. The participation ratio of the correlation's eigenvalues, the usual number, is
    not used: it counts 4 for 200 trials correlated by 0.5, and one store in six would find a winner
    without skill at 95 %.
    """
    if trials < 1:
        raise ValueError(f"there is at least one trial, was {trials}")
    shared = min(max(correlation, 0.0), 1.0)
    if trials == 1 or shared == 0:
        return float(trials)
    if shared == 1:
        return 1.0
    level = _level_of_the_best(trials, shared, confidence)
    return min(max(log(confidence) / log1p(-_tail(level)), 1.0), float(trials))


def chance_of_luck(sharpe_ratio: float, standard_error: float, trials: float) -> float:
    """Compute the probability that the best of several trials without skill does as well [4]_.

    It is ``1 - cdf(z) ** trials``. This, not the deflated Sharpe ratio, is what a test at 95 %
    asks. The deflated ratio compares with the mean of luck's best and then asks for 1.6 standard
    errors more, as if the best could not have been better than on average: among 200 trials it
    finds every second strategy whose true Sharpe ratio is 2 over five years, and this finds five of
    six, at no more false alarms.
    """
    tail = _tail(sharpe_ratio / standard_error)
    return 1.0 if tail >= 1 else 1 - exp(trials * log1p(-tail))


def _tail(quantile: float) -> float:
    """Return the probability to be above a quantile, exact where it is small."""
    return NORMAL.cdf(-quantile)


def _level_of_the_best(trials: int, correlation: float, confidence: float) -> float:
    """Find the level that the best of correlated trials stays under with that probability."""
    low, high = -LARGEST_QUANTILE, LARGEST_QUANTILE
    while high - low > 1e-9:  # noqa: PLR2004 - far below any Sharpe ratio's error
        middle = (low + high) / 2
        if _chance_below(middle, trials, correlation) < confidence:
            low = middle
        else:
            high = middle
    return high


def _chance_below(level: float, trials: int, correlation: float) -> float:
    """Integrate over what the trials have in common, by the trapezoidal rule."""
    width, total = 16.0 / STEPS, 0.0
    for step in range(STEPS + 1):
        common = -8.0 + step * width
        own = (level - sqrt(correlation) * common) / sqrt(1 - correlation)
        below = NORMAL.cdf(own)
        chance = 0.0 if below == 0 else exp(trials * log(below))
        total += exp(-common * common / 2) * chance
    return total * width / sqrt(2 * pi)
