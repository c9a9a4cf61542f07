"""The combinations that a grid asks for."""

import tomllib
from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_store.errors import UsageError
from backtest_store.runner.config.loading import described, parse_config
from backtest_store.runner.grids import grid as grid_module
from backtest_store.runner.grids.grid import Combination, Grid, NotRun, combinations, parse_settings

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
    details = changed.details
    assert (details.name, details.note, details.tags) == ("Mine", "why", ["a", "b"])
    with pytest.raises(UsageError, match="the command line: name"):
        described(config, name="", note=None, tags=[])


def settings_of(text: str, **changes: Any) -> list[dict[str, Any]]:
    """Return what varies in a config with this grid."""
    content = CONFIG | changes | {"grid": tomllib.loads(text)}
    config = parse_config(content, origin="c.toml")
    return list(grid_module.grid_of(config).settings(config))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fast_period = [5, 10]", [5, 10]),
        ("fast_period = {from = 5, to = 20, step = 5}", [5, 10, 15, 20]),
        ("fast_period = {from = 1, to = 3}", [1, 2, 3]),
        ("fast_period = {from = 0.1, to = 0.5, step = 0.1}", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("fast_period = {from = 1, to = 100, count = 3, geometric = true}", [1, 10, 100]),
        ("fast_period = {from = 0.01, to = 1, count = 3, geometric = true}", [0.01, 0.1, 1]),
        ("fast_period = 7", [7]),
    ],
)
def test_a_file_lists_values_or_spans_them(text: str, expected: list[float]) -> None:
    assert [s["fast_period"] for s in settings_of(text)] == expected


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("fast_period=5..50:15", ["5", "20", "35", "50"]),
        ("fast_period=1..3", ["1", "2", "3"]),
        ("threshold=0.1..0.3:0.1", ["0.1", "0.2", "0.3"]),
        ("fast_period=3,10..20:5", ["3", "10", "15", "20"]),
        ("data.start=2005-01-01", ["2005-01-01"]),
    ],
)
def test_the_shell_spans_values_too(setting: str, expected: list[str]) -> None:
    (values,) = parse_grid([setting]).values()
    assert values == expected


def test_what_goes_together_does_not_multiply() -> None:
    text = """
    fast_period = [5, 10]
    [[zip]]
    "data.path" = ["a.csv", "b.csv"]
    "data.instrument" = ["A.SIM", "B.SIM"]
    """
    found = settings_of(text)
    assert [(s["fast_period"], s["data.path"], s["data.instrument"]) for s in found] == [
        (5, "a.csv", "A.SIM"), (5, "b.csv", "B.SIM"),
        (10, "a.csv", "A.SIM"), (10, "b.csv", "B.SIM"),
    ]  # fmt: skip


def test_constraints_keep_what_satisfies_them() -> None:
    text = """
    fast_period = {from = 10, to = 60, step = 10}
    constraints = ["fast_period < slow_period", "fast_period % 20 == 0 or fast_period == 10"]
    """
    assert [s["fast_period"] for s in settings_of(text)] == [10, 20, 40]


def test_a_sample_is_drawn_by_its_seed() -> None:
    text = "fast_period = {{from = 1, to = 40}}\nslow_period = {{from = 41, to = 80}}\nsample = 20\nseed = {}"
    first, again, other = (settings_of(text.format(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len({(s["fast_period"], s["slow_period"]) for s in first}) == 20
    assert len(settings_of("fast_period = [1, 2]\nsample = 20")) == 2


def test_a_sample_of_combinations_is_run_over_every_period() -> None:
    data = {"source": "sp500_daily", "start": "2000-01-01", "end": "2004-12-31"}
    text = 'fast_period = {from = 1, to = 40}\nsample = 2\nwalk = {train = "3y", test = "1y"}'
    found = settings_of(text, data=data)
    periods = [(s["data.start"], s["tags"]) for s in found]
    assert len({s["fast_period"] for s in found}) == 2
    assert periods[:4] == periods[4:] == [
        ("2000-01-01", ["train"]), ("2003-01-01", ["test"]),
        ("2001-01-01", ["train"]), ("2004-01-01", ["test"]),
    ]  # fmt: skip


def test_periods_are_named_or_walked() -> None:
    text = """
    [[periods]]
    start = 2005-01-01
    end = 2005-12-31
    [[periods]]
    start = 2006-01-01
    """
    assert settings_of(text) == [
        {"data.start": "2005-01-01", "data.end": "2005-12-31"},
        {"data.start": "2006-01-01"},
    ]
    data = {"source": "sp500_daily", "start": "2000-01-01", "end": "2005-12-31"}
    walk = settings_of('walk = {train = "3y", test = "1y"}', data=data)
    assert walk == [
        {"data.start": "2000-01-01", "data.end": "2002-12-31", "tags": ["train"]},
        {"data.start": "2003-01-01", "data.end": "2003-12-31", "tags": ["test"]},
        {"data.start": "2001-01-01", "data.end": "2003-12-31", "tags": ["train"]},
        {"data.start": "2004-01-01", "data.end": "2004-12-31", "tags": ["test"]},
        {"data.start": "2002-01-01", "data.end": "2004-12-31", "tags": ["train"]},
        {"data.start": "2005-01-01", "data.end": "2005-12-31", "tags": ["test"]},
    ]
    months = settings_of('walk = {train = "1m", test = "2w"}', data=data | {"end": "2000-02-15"})
    assert months[0] == {"data.start": "2000-01-01", "data.end": "2000-01-31", "tags": ["train"]}
    assert months[1]["data.end"] == "2000-02-14"


def test_periods_of_the_long_form_are_the_runs_own() -> None:
    strategies = [{"strategy_path": "a:A", "config_path": "a:B", "config": {}}]
    content = {"venues": [], "data": [], "engine": {"strategies": strategies}}
    periods = [{"start": "2005-01-01", "end": "2005-12-31"}, {"start": "2006-01-01"}]
    config = parse_config(content | {"grid": {"n": [1], "periods": periods}}, origin="c.toml")
    found = [
        c for c in combinations(config, grid_module.grid_of(config)) if isinstance(c, Combination)
    ]
    assert [c.config.content.get("start") for c in found] == ["2005-01-01", "2006-01-01"]
    assert [c.config.content.get("end") for c in found] == ["2005-12-31", None]
    (strategy,) = found[0].config.content["engine"]["strategies"]
    assert strategy["config"] == {"n": 1}


def test_the_tags_of_a_walk_come_to_those_of_the_config() -> None:
    data = {"source": "sp500_daily", "start": "2000-01-01", "end": "2003-12-31"}
    content = CONFIG | {"data": data, "grid": {"walk": {"train": "3y", "test": "1y"}}}
    config = parse_config(content, origin="c.toml")
    found = [
        c for c in combinations(config, grid_module.grid_of(config)) if isinstance(c, Combination)
    ]
    assert [c.config.details.tags for c in found] == [["a", "train"], ["a", "test"]]


def test_dates_from_the_shell_take_the_place_of_the_files_periods() -> None:
    periods = [{"start": "2005-01-01"}, {"start": "2006-01-01"}]
    config = parse_config(CONFIG | {"grid": {"slow_period": [60], "periods": periods}}, origin="c")
    grid = grid_module.grid_of(config).combined(parse_settings(["data.start=2007-01-01"]))
    assert list(grid.settings(config)) == [{"slow_period": 60, "data.start": "2007-01-01"}]


def test_the_shell_decides_over_the_file() -> None:
    config = parse_config(
        CONFIG | {"grid": {"fast_period": [1, 2], "slow_period": [60, 70]}}, origin="c"
    )
    grid = grid_module.grid_of(config).combined(parse_settings(["fast_period=5"]))
    assert list(grid.settings(config)) == [
        {"slow_period": 60, "fast_period": "5"},
        {"slow_period": 70, "fast_period": "5"},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "fast_period = {from = 'a', to = 'b'}",
            "grid.fast_period: a range is of numbers, was 'a'",
        ),
        ("fast_period = {from = 5, to = 1}", "from 5 to 1 by 1 has no values"),
        ("fast_period = {from = 5, to = 9, steps = 2}", "no key 'steps'; did you mean 'step'?"),
        ("fast_period = {from = 0, to = 9, geometric = true}", "geometric needs from above 0"),
        ("fast_period = []", "grid.fast_period has no values"),
        ("sample = 'few'", "grid.sample must be a whole number, was 'few'"),
        ("constraints = 5", "grid.constraints[0] must be a text, was 5"),
        ("periods = 3", "grid.periods must be a list, was 3"),
        ("walk = '3y'", "grid.walk must be a table, was '3y'"),
        ("seed = 'one'", "grid.seed must be a whole number, was 'one'"),
        ("walk = {train = '3y', test = 3}", "grid.walk.test must be a text, was 3"),
        ("walk = {train = '3y', test = '1y'}", "there is no data.start"),
        ("[[zip]]\na = [1, 2]\nb = [1]", "lists that go together are equally long, were a 2, b 1"),
        ("[[periods]]\nbegin = 2005-01-01", "no key 'grid.periods[0].begin'; known are end, start"),
        ("a = {from = 1, to = 2000}\nb = {from = 1, to = 2000}", "4,000,000 combinations"),
    ],
)
def test_a_grid_that_cannot_be_is_told_by_its_key(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_of(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("c.toml: ")


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ("fast_period > 100", "no combination satisfies 'fast_period > 100'"),
        ("fast_perio < 5", "nothing is called 'fast_perio'; did you mean 'fast_period'?"),
        ("fast_period <", "'fast_period <' is no comparison; write 'fast_period < slow_period'"),
        ("__import__('os')", "is no comparison"),
    ],
)
def test_a_constraint_that_cannot_be_is_named(constraint: str, said: str) -> None:
    content = CONFIG | {"grid": {"fast_period": [5, 10], "constraints": [constraint]}}
    config = parse_config(content, origin="c.toml")
    with pytest.raises(UsageError) as caught:
        list(combinations(config, grid_module.grid_of(config)))
    assert said in str(caught.value)
    assert str(caught.value).startswith("c.toml: grid.constraints: ")
