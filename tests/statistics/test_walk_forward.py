"""Selection out of sample, against what it was asked to do step by step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.statistics.walk_forward import compounded, walk_forward

RETURNS = [
    [0.10, 0.10, -0.50, 0.00, 0.30, 0.00, 0.10],
    [0.00, 0.00, 0.20, 0.20, -0.10, 0.10, 0.00],
    [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05],
]


def growth(rows: list[list[float]], run: int, first: int, last: int) -> float:
    return math.prod(1 + r for r in rows[run][first:last])


def test_each_window_holds_what_was_best_before_it() -> None:
    walked = walk_forward(RETURNS, lambda *at: growth(RETURNS, *at), train=2, test=2)
    assert [(w.run, list(w.train), list(w.test)) for w in walked.windows] == [
        (0, [0, 1], [2, 3]),
        (1, [2, 3], [4, 5]),
        (0, [4, 5], [6]),
    ]
    assert walked.returns == [-0.50, 0.00, -0.10, 0.10, 0.10]
    assert walked.middle == [0.05, 0.05, 0.05, 0.05, 0.05]
    assert walked.hindsight == RETURNS[1][2:]  # 1.2 * 1.2 * 0.9 * 1.1 of the months held
    assert compounded(walked.returns) + 1 == pytest.approx(0.5 * 0.9 * 1.1 * 1.1)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 30), st.integers(0, 2**32))
def test_no_choice_knows_the_future(train: int, test: int, months: int, seed: int) -> None:
    """What comes after a window's training changes nothing of its choice."""
    import random

    draw = random.Random(seed)
    rows = [[draw.gauss(0, 0.05) for _ in range(months)] for _ in range(4)]
    if months <= train:
        with pytest.raises(ValueError, match="needs more than"):
            walk_forward(rows, lambda *at: growth(rows, *at), train=train, test=test)
        return
    walked = walk_forward(rows, lambda *at: growth(rows, *at), train=train, test=test)
    for window in walked.windows:
        seen = [row[: window.train.stop] for row in rows]
        scores = [growth(seen, run, window.train.start, window.train.stop) for run in range(4)]
        assert window.run == scores.index(max(scores))
    assert list(walked.months) == list(range(train, months))


def test_hindsight_is_of_the_months_that_are_held() -> None:
    rows = [[9.0, 0.0, 0.0], [0.0, 0.1, 0.1]]  # the first is best over all, the second in the tests
    walked = walk_forward(rows, lambda *at: growth(rows, *at), train=1, test=2)
    assert walked.hindsight == [0.1, 0.1]


def test_a_window_in_which_no_run_has_a_score_is_left_out() -> None:
    def score(run: int, first: int, last: int) -> float | None:
        return None if first == 0 else growth(RETURNS, run, first, last)

    walked = walk_forward(RETURNS, score, train=2, test=2)
    assert [list(w.test) for w in walked.windows] == [[4, 5], [6]]
