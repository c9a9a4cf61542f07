"""The combinations that a grid asks for."""

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.errors import UsageError
from backtest_store.runner.config.config import described, parse_config
from backtest_store.runner.grid import Combination, Grid, NotRun, combinations, parse_settings

CONFIG: dict[str, Any] = {
    "strategy": "sma_crossover",
    "parameters": {"fast_period": 10, "slow_period": 50, "equity_fraction": 0.95},
    "data": {"source": "sp500_daily"},
    "tags": ["a"],
}
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)


def parse_grid(settings: Iterable[str]) -> dict[str, list[object]]:
    """Return the values of each key."""
    groups = parse_settings(settings).groups
    return {key: [s[key] for s in group] for group in groups for key in group[0]}


def grid_of(values: dict[str, list[str]]) -> Grid:
    return Grid([[{key: v} for v in each] for key, each in values.items()])


VALUES = st.lists(
    st.from_regex(r"[A-Za-z0-9.:+-]{1,8}", fullmatch=True), min_size=1, max_size=5, unique=True
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_settings_are_read_as_they_are_written(grid: dict[str, list[str]]) -> None:
    assert parse_grid(f"{name}={','.join(values)}" for name, values in grid.items()) == grid


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_every_combination_comes_once(grid: dict[str, list[str]]) -> None:
    config = parse_config(CONFIG, origin="test")
    found = [c for c in combinations(config, grid_of(grid)) if isinstance(c, Combination)]
    expected = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    assert [c.config.content["parameters"] for c in found] == [
        CONFIG["parameters"] | e for e in expected
    ]
    assert len({c.label for c in found}) == len(found)


def test_a_value_comes_once_and_spaces_do_not_count() -> None:
    assert parse_grid(["fast_period= 5, 10 ,5,"]) == {"fast_period": ["5", "10"]}


def test_a_value_may_be_json() -> None:
    grid = parse_grid(["periods=[5,10],[20]", 'note="a,b"', 'exit={"atr": 2},{"atr": 3}'])
    assert grid == {"periods": [[5, 10], [20]], "note": ["a,b"], "exit": [{"atr": 2}, {"atr": 3}]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["fast_period"], "--set fast_period: a name and its values are needed"),
        (["=5"], "--set =5: a name"),
        (["fast_period= "], "a name and its values"),
        (["fast_period=5", "fast_period=6"], "--set fast_period is given twice"),
        (["periods=[1,"], "is not JSON"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(settings: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_grid(settings)
    assert said in str(caught.value)


def test_a_combination_that_cannot_be_is_told_apart() -> None:
    config = parse_config(CONFIG, origin="test")
    grid = parse_settings(["data.start=2005-01-01,2007-01-01,soon", "data.end=2006-12-31"])
    good, late, unreadable = combinations(config, grid, name="a.toml")
    assert isinstance(good, Combination)
    assert good.label == "a.toml: data.start=2005-01-01, data.end=2006-12-31"
    assert isinstance(late, NotRun)
    assert "is after end" in late.reason
    assert isinstance(unreadable, NotRun)
    assert "'soon' is not a date" in unreadable.reason


def test_runs_are_described_by_the_command_line() -> None:
    config = parse_config(CONFIG, origin="test")
    assert described(config, name=None, note=None, tags=[]) == config
    changed = described(config, name="Mine", note="why", tags=["b"])
    assert changed.details == {"name": "Mine", "note": "why", "tags": ["a", "b"]}
    with pytest.raises(UsageError, match="the command line: name"):
        described(config, name="", note=None, tags=[])
