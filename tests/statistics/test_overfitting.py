"""The probability of backtest overfitting against a plain one that looks at every day."""

import itertools
import statistics
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from backtest_store.statistics.overfitting import DailyMoments, overfitting
from tests.number_of_tries import tries

Returns = NDArray[np.float64]
DAYS = 21  # in each month


def returns(seed: int, runs: int, months: int, *, skill: float = 0.0) -> Returns:
    """Draw daily returns of shape (runs, months, days); the first run's mean is its skill."""
    drawn = np.random.default_rng(seed).normal(0, 0.01, (runs, months, DAYS))
    drawn[0] += skill
    return np.asarray(drawn)


def moments(daily: Returns) -> DailyMoments:
    counts = np.full(daily.shape[:2], float(DAYS))
    return DailyMoments.of(counts, daily.mean(axis=2), daily.std(axis=2))


def plain(daily: Returns, blocks: int) -> tuple[float, float]:
    """Return the probability of overfitting and of a loss, day by day."""
    length = daily.shape[1] // blocks
    kept = daily[:, daily.shape[1] - blocks * length :, :]
    parts = [kept[:, b * length : (b + 1) * length].reshape(len(daily), -1) for b in range(blocks)]
    worse = losses = ways = 0
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = [np.concatenate([parts[b][run] for b in half]) for run in range(len(daily))]
        rest = [b for b in range(blocks) if b not in half]
        outside = [np.concatenate([parts[b][run] for b in rest]) for run in range(len(daily))]
        scores = [statistics.mean(x) / statistics.stdev(x) for x in inside]
        others = [statistics.mean(x) / statistics.stdev(x) for x in outside]
        reached = others[scores.index(max(scores))]
        rank = 1 + sum(o < reached for o in others)
        worse += rank / (len(others) + 1) <= 0.5
        losses += reached < 0
        ways += 1
    return worse / ways, losses / ways


@pytest.mark.parametrize(("seed", "runs", "months"), [(1, 4, 16), (2, 7, 13), (3, 2, 9)])
def test_it_is_what_a_look_at_every_day_finds(seed: int, runs: int, months: int) -> None:
    daily = returns(seed, runs, months)
    found = overfitting(moments(daily))
    probability, losses = plain(daily, found.blocks)
    assert found.probability == pytest.approx(probability, abs=1e-12)
    assert found.chance_of_loss == pytest.approx(losses, abs=1e-12)


def test_of_pure_noise_the_best_is_as_often_below_the_median_as_above() -> None:
    stores = range(tries(16, 60))
    found = [overfitting(moments(returns(seed, 20, 64))).probability for seed in stores]
    error = statistics.stdev(found) / len(stores) ** 0.5
    assert statistics.mean(found) == pytest.approx(0.5, abs=3 * error)


def test_a_planted_skill_stays_on_top_out_of_sample() -> None:
    found = overfitting(moments(returns(5, 50, 120, skill=0.004)))
    assert found.probability < 0.01
    assert found.chance_of_loss < 0.01


def test_of_noise_better_inside_is_worse_outside() -> None:
    stores = range(tries(8, 20))
    slopes = [overfitting(moments(returns(seed, 20, 64))).slope for seed in stores]
    error = statistics.stdev(slopes) / len(stores) ** 0.5
    assert statistics.mean(slopes) < -3 * error


@pytest.mark.parametrize("number", [2, 3, 5, 9, 17])  # products are rounded by where a row lies
def test_runs_that_are_alike_share_their_rank(number: int) -> None:
    one = returns(6, 1, 32)
    found = overfitting(moments(np.concatenate([one] * number)))
    assert found.probability == 1  # each of them is the median


def test_a_run_that_never_traded_is_never_the_best() -> None:
    daily = returns(7, 3, 32, skill=0.004)
    flat = np.zeros((1, 32, DAYS))
    with_flat = overfitting(moments(np.concatenate([flat, daily])))
    assert with_flat.probability == overfitting(moments(daily)).probability


@pytest.mark.parametrize("shape", [(1, 40), (3, 3)])
def test_too_little_is_said_to_be_so(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="needs two runs"):
        overfitting(moments(returns(8, *shape)))


def test_no_run_with_a_sharpe_ratio_is_said_to_be_so() -> None:
    with pytest.raises(ValueError, match="no run has a Sharpe ratio"):
        overfitting(moments(np.zeros((3, 16, DAYS))))


def test_it_takes_thousands_of_runs_in_bounded_memory() -> None:
    import tracemalloc

    many = moments(returns(9, 1500, 40))
    tracemalloc.start()
    began = time.perf_counter()
    overfitting(many)
    assert tracemalloc.get_traced_memory()[1] < 400e6, time.perf_counter() - began
    tracemalloc.stop()
