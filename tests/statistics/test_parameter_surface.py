"""Plateaus, spikes, and what explains a metric."""

import numpy as np
import pytest

from backtest_store.statistics.parameter_surface import explained, neighbourhood


def surface(rows: list[list[float | None]]) -> dict[tuple[int, ...], float]:
    return {
        (x, y): value
        for x, row in enumerate(rows)
        for y, value in enumerate(row)
        if value is not None
    }


def test_a_hill_is_a_plateau_and_a_needle_a_spike() -> None:
    hill = neighbourhood(
        surface([[0, 0, 0, 0], [0, 0.9, 0.9, 0.8], [0, 0.9, 1.0, 0.9], [0, 0.8, 0.9, 0.8]])
    )
    assert hill.best == (2, 2)
    assert hill.neighbours == 8
    assert hill.is_plateau
    needle = neighbourhood(surface([[0, 0, 0], [0, 1.0, 0], [0, 0.1, 0]]))
    assert not needle.is_plateau
    assert needle.height == pytest.approx(0.1 / 8)


def test_along_one_input_there_are_two_neighbours_and_at_the_edge_one() -> None:
    assert neighbourhood({(0,): 1.0, (1,): 3.0, (2,): 2.0}).neighbours == 2
    assert neighbourhood({(0,): 3.0, (1,): 2.0, (2,): 0.0}).neighbours == 1


def test_what_cannot_be_told_is_not_told() -> None:
    assert neighbourhood(surface([[None, None], [1.0, None]])).is_plateau is None
    assert neighbourhood({(0,): 1.0, (1,): 1.0}).is_plateau is None


def test_empty_cells_are_no_neighbours() -> None:
    found = neighbourhood(surface([[None, 0.8, None], [0.0, 1.0, None], [0.0, 0.0, 0.0]]))
    assert found.neighbours == 5
    assert found.height == pytest.approx(0.16)  # (0.8 + 0 + 0 + 0 + 0) / 5, the quartile being 0


def test_explained_variance_is_that_of_a_regression_on_dummies() -> None:
    draw = np.random.default_rng(4)
    groups = draw.integers(0, 5, 200)
    values = groups * 0.3 + draw.normal(0, 1, 200)
    dummies = np.eye(5)[groups]
    fitted = dummies @ np.linalg.lstsq(dummies, values, rcond=None)[0]
    expected = 1 - ((values - fitted) ** 2).sum() / ((values - values.mean()) ** 2).sum()
    assert explained(groups.tolist(), values.tolist()) == pytest.approx(expected, abs=1e-12)


def test_what_does_not_vary_is_explained_by_nothing() -> None:
    assert explained([1, 2, 3], [0.1, 0.1, 0.1]) is None
    assert explained([1, 1, 1], [0.1, 0.2, 0.3]) == pytest.approx(0)
