"""Luck's formulas against another implementation, the papers' examples, and simulated stores."""

import os
import statistics
from itertools import combinations
from math import exp, sqrt

import jsharpe
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from backtest_store.statistics.correlation import mean_correlation
from backtest_store.statistics.luck import (
    SharpeEstimate,
    chance_of_luck,
    deflated_sharpe_ratio,
    effective_trials,
    expected_maximum,
    minimum_track_record,
    probabilistic_sharpe_ratio,
)
from backtest_store.statistics.luck_verdict import Trials, judge
from tests.number_of_tries import tries

STORES = int(os.environ.get("LUCK_STORES", tries(60, 120)))
SEED = int(os.environ.get("LUCK_SEED", "20140501"))
STRATEGIES, DAYS, YEAR, MONTH = 200, 1260, 252, 21

estimates = st.builds(
    SharpeEstimate,
    sharpe_ratio=st.floats(-0.3, 0.3),
    returns_count=st.integers(24, 5000),
    skewness=st.floats(-1.5, 1.5),
    kurtosis=st.floats(4, 12),
    autocorrelation=st.floats(-0.4, 0.4),
)
Returns = NDArray[np.float64]


def reference_variance(e: SharpeEstimate, at: float) -> float:
    return float(
        jsharpe.sharpe_ratio_variance(
            at, e.returns_count, gamma3=e.skewness, gamma4=e.kurtosis, rho=e.autocorrelation
        )
    )


def test_the_paper_s_example_of_100_trials() -> None:
    best = SharpeEstimate(
        sharpe_ratio=2.5 / sqrt(250), returns_count=1250, skewness=-3, kurtosis=10
    )
    from_luck = expected_maximum(sqrt(0.5 / 250), 100)
    assert from_luck == pytest.approx(0.11317, abs=5e-6)
    assert deflated_sharpe_ratio(best, from_luck) == pytest.approx(0.90040, abs=5e-6)
    fewer = expected_maximum(sqrt(0.5 / 250), 46)
    assert deflated_sharpe_ratio(best, fewer) == pytest.approx(0.95050, abs=5e-6)


def test_one_fund_of_24_months_by_either_variance() -> None:
    fund = SharpeEstimate(
        sharpe_ratio=0.036 / 0.079, returns_count=24, skewness=-2.448, kurtosis=10.164
    )
    assert probabilistic_sharpe_ratio(fund) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe_ratio(fund, variance="null") == pytest.approx(0.987, abs=5e-4)


@given(estimates, st.floats(-0.1, 0.1))
def test_the_variance_at_the_null_is_the_other_implementation_s(
    e: SharpeEstimate, benchmark: float
) -> None:
    expected = jsharpe.probabilistic_sharpe_ratio(
        e.sharpe_ratio, benchmark, variance=reference_variance(e, benchmark)
    )
    assert probabilistic_sharpe_ratio(e, benchmark, "null") == pytest.approx(expected, abs=1e-9)


@given(estimates, st.floats(-0.1, 0.1))
def test_the_published_variance_is_the_other_implementation_s(
    e: SharpeEstimate, benchmark: float
) -> None:
    independent = jsharpe.sharpe_ratio_variance(
        e.sharpe_ratio, e.returns_count - 1, gamma3=e.skewness, gamma4=e.kurtosis
    )
    expected = jsharpe.probabilistic_sharpe_ratio(e.sharpe_ratio, benchmark, variance=independent)
    assert probabilistic_sharpe_ratio(e, benchmark) == pytest.approx(expected, abs=1e-9)


@given(st.floats(1e-4, 1), st.integers(2, 1_000_000))
def test_the_best_of_luck_is_the_other_implementation_s(deviation: float, trials: int) -> None:
    expected = jsharpe.expected_maximum_sharpe_ratio(trials, deviation**2)
    assert expected_maximum(deviation, trials) == pytest.approx(expected, rel=1e-9)


@given(estimates.filter(lambda e: e.sharpe_ratio > 0.02), st.floats(-0.1, 0.01))
def test_the_minimum_track_record_is_the_other_implementation_s(
    e: SharpeEstimate, benchmark: float
) -> None:
    expected = jsharpe.minimum_track_record_length(
        e.sharpe_ratio, benchmark, gamma3=e.skewness, gamma4=e.kurtosis, rho=e.autocorrelation
    )
    assert minimum_track_record(e, benchmark, "null") == pytest.approx(np.ceil(expected), abs=1)


@given(estimates.filter(lambda e: e.sharpe_ratio > 0.02))
def test_after_the_minimum_track_record_the_probability_is_95_percent(e: SharpeEstimate) -> None:
    needed = minimum_track_record(e)
    assert needed is not None
    shape = {"skewness": e.skewness, "kurtosis": e.kurtosis, "sharpe_ratio": e.sharpe_ratio}
    assert probabilistic_sharpe_ratio(SharpeEstimate(returns_count=max(needed, 3), **shape)) >= 0.95
    if needed > 4:
        early = SharpeEstimate(returns_count=needed - 1, **shape)
        assert probabilistic_sharpe_ratio(early) < 0.95


def test_what_is_not_above_the_benchmark_never_gets_there() -> None:
    assert minimum_track_record(SharpeEstimate(sharpe_ratio=0.01, returns_count=100), 0.01) is None


def test_one_trial_owes_nothing_to_luck_and_two_owe_little() -> None:
    assert expected_maximum(1.0, 1) == 0
    assert 0 < expected_maximum(1.0, 1.5) < expected_maximum(1.0, 2) < 1


@pytest.mark.parametrize("trials", [2, 10, 200])
@pytest.mark.parametrize("correlation", [0.05, 0.5, 0.9])
def test_effective_trials_are_as_lucky_as_correlated_ones(trials: int, correlation: float) -> None:
    draw, draws = np.random.default_rng(SEED), tries(50_000, 200_000)
    common, own = draw.standard_normal((draws, 1)), draw.standard_normal((draws, trials))
    best = (sqrt(correlation) * common + sqrt(1 - correlation) * own).max(axis=1)
    level = float(np.quantile(best, 0.95))
    assert 1 <= effective_trials(trials, correlation) <= trials
    # The level under which the best of as many independent ones stays with 95 %.
    below = 1 - chance_of_luck(level, 1.0, effective_trials(trials, correlation))
    assert below == pytest.approx(0.95, abs=0.003)


def test_effective_trials_between_independence_and_identity() -> None:
    assert effective_trials(50, -0.3) == effective_trials(50, 0) == 50
    assert effective_trials(50, 1) == effective_trials(1, 0.5) == 1


def test_the_chance_of_luck_does_not_vanish_in_rounding() -> None:
    assert chance_of_luck(10.0, 1.0, 200) == pytest.approx(200 * 7.619853024160527e-24, rel=1e-9)
    assert chance_of_luck(0.0, 1.0, 3) == pytest.approx(1 - exp(3 * np.log(0.5)))
    assert chance_of_luck(-50.0, 1.0, 3) == 1


@given(st.integers(0, 2**32 - 1))
def test_the_mean_correlation_is_that_of_all_pairs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    series: Returns = draw.standard_normal((5, 30))
    series += draw.standard_normal(30)
    pairs = [statistics.correlation(a, b) for a, b in combinations(series.tolist(), 2)]
    assert mean_correlation(series) == pytest.approx(statistics.mean(pairs), abs=1e-12)


def test_what_does_not_move_correlates_with_nothing() -> None:
    assert mean_correlation(np.array([[0.01] * 12, [0.01, -0.02] * 6])) is None
    assert mean_correlation(np.array([[0.1, 0.2], [0.2, 0.1]])) is None


def daily_returns(draw: np.random.Generator, correlation: float, skilled: float) -> Returns:
    """Return a store: 200 strategies over five years of days, the first with a true Sharpe ratio.

    Returns have fat tails (Student's t with five degrees of freedom), as markets do.
    """
    common: Returns = draw.standard_t(5, (1, DAYS))
    own: Returns = draw.standard_t(5, (STRATEGIES, DAYS))
    drawn: Returns = sqrt(correlation) * common + sqrt(1 - correlation) * own
    drawn *= 0.01 / sqrt(5 / 3)
    drawn[0] += skilled / sqrt(YEAR) * 0.01
    return drawn


def finding(returns: Returns) -> tuple[int, str]:
    """Return the best of a store, and what is found of it."""
    sharpe = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    best = int(sharpe.argmax())
    centred = returns[best] - returns[best].mean()
    spread = centred.std()
    estimate = SharpeEstimate(
        sharpe_ratio=float(sharpe[best]),
        returns_count=DAYS,
        skewness=float((centred**3).mean() / spread**3),
        kurtosis=float((centred**4).mean() / spread**4),
    )
    months = returns.reshape(STRATEGIES, DAYS // MONTH, MONTH).sum(axis=2)
    correlation = mean_correlation(months)
    trials = Trials(count=STRATEGIES, deviation=float(sharpe.std(ddof=1)), correlation=correlation)
    return best, judge(estimate, trials).finding


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_of_stores_without_skill_at_most_one_in_twenty_has_a_finding(correlation: float) -> None:
    draw = np.random.default_rng(SEED)
    found = sum(finding(daily_returns(draw, correlation, 0.0))[1] == "real" for _ in range(STORES))
    error = sqrt(0.05 * 0.95 / STORES)
    assert found / STORES <= 0.05 + 2.33 * error


def test_one_skilled_strategy_among_200_is_found_in_four_of_five_stores() -> None:
    draw = np.random.default_rng(SEED)
    results = [finding(daily_returns(draw, 0.0, 2.0)) for _ in range(STORES)]
    error = sqrt(0.8 * 0.2 / STORES)
    assert results.count((0, "real")) / STORES >= 0.8 - 2.33 * error


def test_of_too_few_returns_nothing_can_be_told() -> None:
    lucky = SharpeEstimate(sharpe_ratio=2.0, returns_count=30)
    assert judge(lucky, Trials(count=1)).finding == "cannot_tell"


def test_a_tight_grid_is_deflated_all_the_same() -> None:
    best = SharpeEstimate(sharpe_ratio=0.08, returns_count=500)
    assert judge(best, Trials(count=200, deviation=1e-6)).sharpe_ratio_from_luck > 0.1
