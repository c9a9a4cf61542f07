import json
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backtest_store.errors import UsageError
from backtest_store.runner.config.loading import (
    Config,
    load_config,
    parse_config,
    with_overrides,
)
from backtest_store.runner.config.timestamps import parse_timestamp
from backtest_store.runner.demo import DEMO_CONFIGS

LEAST = {"strategy": "sma_crossover", "data": {"source": "sp500_daily"}}
OWN = {"path": "my.csv", "instrument": "AAPL.XNAS", "bar": "1-DAY"}

TOML = """
name = "Mine"
strategy = "sma_crossover"
type = "trend_following"
tags = ["a", "b"]
note = "why"
[parameters]
fast_period = 10
equity_fraction = 0.9
[data]
source = "sp500_daily"
start = 2005-01-01
end = 2015-12-31T12:00:00+02:00
[venue]
starting_balance = "50_000 USD"
account_type = "cash"
taker_fee = 0.001
[instrument]
tick_size = 0.05
"""
YAML = """
name: Mine
strategy: sma_crossover
type: trend_following
tags: [a, b]
note: why
parameters: {fast_period: 10, equity_fraction: 0.9}
data:
  source: sp500_daily
  start: 2005-01-01
  end: 2015-12-31T12:00:00+02:00
venue: {starting_balance: 50_000 USD, account_type: cash, taker_fee: 0.001}
instrument: {tick_size: 0.05}
"""
JSON = json.dumps(
    {
        "name": "Mine",
        "strategy": "sma_crossover",
        "type": "trend_following",
        "tags": ["a", "b"],
        "note": "why",
        "parameters": {"fast_period": 10, "equity_fraction": 0.9},
        "data": {
            "source": "sp500_daily",
            "start": "2005-01-01",
            "end": "2015-12-31T12:00:00+02:00",
        },
        "venue": {"starting_balance": "50_000 USD", "account_type": "cash", "taker_fee": 0.001},
        "instrument": {"tick_size": 0.05},
    }
)


def merged(changes: dict[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    content = dict(LEAST if base is None else base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(content.get(key), dict)
        content[key] = content[key] | value if both else value
    return content


def parsed(changes: dict[str, Any]) -> Config:
    return parse_config(merged(changes), origin="my.toml")


@pytest.mark.parametrize(
    ("suffix", "text"), [(".toml", TOML), (".yaml", YAML), (".yml", YAML), (".json", JSON)]
)
def test_the_formats_say_the_same(suffix: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"config{suffix}"
    path.write_text(text, encoding="utf-8")
    config = load_config(path)
    short = config.short
    assert short.strategies[0].parameters == {"fast_period": 10, "equity_fraction": 0.9}
    assert (short.name, short.type, short.tags) == ("Mine", "trend_following", ["a", "b"])
    assert short.data[0].start == date(2005, 1, 1)
    assert short.data[0].end == datetime(2015, 12, 31, 10, tzinfo=UTC)
    assert short.venue.starting_balance == "50000 USD"
    assert short.venue.account_type == "CASH"
    assert short.venue.taker_fee == Decimal("0.001")
    assert short.instruments[0].tick_size == Decimal("0.05")
    assert config.directory == tmp_path


def test_little_has_to_be_said() -> None:
    short = parsed({}).short
    assert short.data[0].first_moment is None
    assert (short.venue.starting_balance, short.venue.currency) == ("100000 USD", "USD")


def test_an_end_without_a_time_is_all_of_that_day() -> None:
    data = parsed({"data": {"start": "2005-01-03", "end": "2005-01-03"}}).short.data[0]
    assert data.first_moment == parse_timestamp("2005-01-03")
    assert data.last_moment == parse_timestamp("2005-01-04") - 1


def test_a_relative_path_starts_at_the_config_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LEAST | {"data": OWN}), encoding="utf-8")
    config = load_config(path)
    relative = config.short.data[0].path
    assert relative is not None
    assert config.locate(relative) == tmp_path / "my.csv"
    assert config.locate(Path("/x/y.csv")) == Path("/x/y.csv")


@pytest.mark.parametrize(
    ("given", "bar"),
    [
        ("1-DAY", "1-DAY-LAST"),
        ("15-minute", "15-MINUTE-LAST"),
        ("4-HOUR-MID", "4-HOUR-MID"),
        ("1-WEEK-LAST-EXTERNAL", "1-WEEK-LAST"),
    ],
)
def test_a_bar_is_the_last_price_unless_it_says_otherwise(given: str, bar: str) -> None:
    assert parsed({"data": {"bar": given}}).short.data[0].bar == bar


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategi": "x"}, "no key 'strategi'; did you mean 'strategy'?"),
        ({"data": {"sourc": "x"}}, "no key 'data.sourc'; did you mean 'source'?"),
        ({"venue": {"takerfee": 1}}, "no key 'venue.takerfee'; did you mean 'taker_fee'?"),
        ({"strategy": "sma_cross"}, "strategy: no bundled strategy 'sma_cross'; did you mean 'sma"),
        ({"strategy": "xyz"}, "known are momentum, rsi_mean_reversion, sma_crossover"),
        ({"strategy": "my module:X"}, "strategy: no bundled strategy 'my module:X'"),
        ({"strategy": 5}, "strategy must be a text, was 5"),
        ({"strategy_config": "nope"}, "strategy_config: 'nope' is not a class"),
        ({"type": "Trend Following"}, "type: String should match"),
        ({"name": ""}, "name: String should have at least 1 character, was ''"),
        ({"tags": "demo"}, "tags must be a list, was 'demo'"),
        ({"parameters": [1]}, "parameters must be a table, was [1]"),
        ({"data": 5}, "data must be a table"),
        ({"strategy": "mystrats.py"}, "'mystrats.py' is a file; write mystrats:ClassName"),
        ({"venue": {"slippage_ticks": 1, "slippage_fraction": 0.1}}, "give one kind of slippage"),
        ({"grid": [1]}, "grid must be a table of values, was [1]"),
        (
            {"data": {"source": "sp500"}},
            "no bundled data 'sp500'; did you mean 'sp500_daily'?",
        ),
        ({"data": {"path": "my.csv"}}, "exactly one of source, path and catalog, was source and"),
        ({"data": {"source": None}}, "exactly one of source, path and catalog, was none"),
        ({"data": {"start": "1/2/2005"}}, "data.start: '1/2/2005' is not a date or time"),
        ({"data": {"start": "2005-02-30"}}, "data.start: '2005-02-30' is not a date or time"),
        (
            {"data": {"start": "2006-01-01", "end": "2005-01-01"}},
            "data: start 2006-01-01 is after end 2005-01-01",
        ),
        ({"data": {"bar": "1-DAYS"}}, "data.bar: '1-DAYS' is not a kind of bar"),
        ({"data": {"bar": "daily"}}, "data.bar: 'daily' is not a kind of bar"),
        ({"data": {"bar": "1-MONTH"}}, "data.bar: '1-MONTH' is not a kind of bar"),
        ({"data": {"bar": "7-MINUTE"}}, "7 must be a divisor of 60"),
        ({"data": {"bar": "0-DAY"}}, "data.bar: '0-DAY' is not a kind of bar"),
        ({"data": {"bar": "1-DAY-ASK"}}, "data: bar '1-DAY-ASK' alone cannot fill orders"),
        ({"data": {"instrument": "SPX"}}, "data.instrument: 'SPX' is not an instrument"),
        ({"data": {"instrument": 5}}, "data.instrument: 5 is not an instrument"),
        ({"venue": {"starting_balance": 1000}}, "venue.starting_balance: 1000 is not an amount"),
        ({"venue": {"starting_balance": "0 USD"}}, "venue.starting_balance: '0 USD' is not an"),
        ({"venue": {"starting_balance": "-5 USD"}}, "venue.starting_balance: '-5 USD' is not an"),
        ({"venue": {"starting_balance": "5 usd"}}, "venue.starting_balance: '5 usd' is not an"),
        ({"venue": {"account_type": "savings"}}, "venue.account_type must be 'MARGIN' or"),
        ({"venue": {"oms_type": "x"}}, "venue.oms_type must be 'NETTING' or 'HEDGING'"),
        ({"venue": {"leverage": 0.5}}, "venue.leverage must be at least"),
        (
            {"venue": {"leverage": float("inf")}},
            "venue.leverage must be a finite number, was inf",
        ),
        (
            {"venue": {"leverage": 2, "account_type": "CASH"}},
            "venue: a CASH account has no leverage, was 2",
        ),
        ({"venue": {"taker_fee": 5}}, "venue.taker_fee must be at most 0.1"),
        ({"venue": {"fee_per_unit": "1"}}, "venue.fee_per_unit: '1' is not an amount of money"),
        ({"venue": {"fee_per_unit": "1 EUR"}}, "the fee '1 EUR' is not in the account's USD"),
        (
            {"venue": {"fee_per_unit": "1 USD", "fee_per_order": "1 USD"}},
            "venue: give one kind of fee",
        ),
        ({"venue": {"fee_per_unit": "1 USD", "maker_fee": 0}}, "venue: give one kind of fee"),
        (
            {"venue": {"slippage_probability": 2}},
            "venue.slippage_probability must be at most 1",
        ),
        ({"instrument": {"type": "bond"}}, "instrument.type must be 'equity'"),
        ({"instrument": {"tick_size": 0}}, "instrument.tick_size must be greater than 0"),
        ({"instrument": {"price_precision": 99}}, "instrument.price_precision must be at most 9"),
        ({"instrument": {"currency": "dollars"}}, "instrument.currency: String should match"),
    ],
)
def test_what_cannot_be_is_refused_by_its_file_key_and_value(
    changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(changes)
    assert str(caught.value).startswith("my.toml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("key", ["strategy", "data"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(UsageError, match=f"my.toml: {key} is missing"):
        parse_config({k: v for k, v in LEAST.items() if k != key}, origin="my.toml")


@pytest.mark.parametrize("key", ["instrument", "bar"])
def test_a_catalog_needs_its_instrument_and_bar(key: str) -> None:
    own = {"catalog": "c", "instrument": "AAPL.XNAS", "bar": "1-DAY", "source": None}
    with pytest.raises(UsageError, match=f"catalog also needs {key}, such as {key} = "):
        parsed({"data": own | {key: None}})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "name = 'x'\nstrategy = ?", "line 2, column 12"),
        ("a.json", '{"strategy": }', "line 1 column"),
        ("a.yaml", "strategy: [", "line 1, column"),
        ("a.yaml", "- strategy", "must hold keys and values, not list"),
        ("a.json", "null", "must hold keys and values, not NoneType"),
        ("a.ini", "", "its name must end in .toml, .yaml, .yml, .json"),
        ("a.toml", "\udce9", "'utf-8' codec can't decode byte 0xe9"),
    ],
)
def test_a_broken_file_is_refused_by_where_it_breaks(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*nothing.toml: No such file"):
        load_config(tmp_path / "nothing.toml")


def test_overrides_reach_parameters_and_sections() -> None:
    config = parsed({"parameters": {"fast_period": 10, "slow_period": 20}})
    changed = with_overrides(
        config,
        {
            "fast_period": 5,
            "parameters.slow_period": "30",
            "data.start": "2010-01-01",
            "venue.leverage": "2",
        },
    )
    short = changed.short
    assert short.strategies[0].parameters == {"fast_period": 5, "slow_period": "30"}
    assert short.data[0].start == date(2010, 1, 1)
    assert short.venue.leverage == 2
    assert config.content["parameters"] == {"fast_period": 10, "slow_period": 20}
    assert with_overrides(config, {}) == config
    assert short.instruments == []


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"dta.start": "2010-01-01"}, "--set: no section 'dta'; did you mean 'data'?"),
        ({"data.begin": "2010-01-01"}, "--set: no key 'data.begin'"),
        ({"data.start": "soon"}, "--set: data.start: 'soon' is not a date or time"),
    ],
)
def test_an_impossible_override_is_refused(overrides: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_overrides(parsed({}), overrides)
    assert str(caught.value).startswith(said)


def test_a_config_travels_to_another_process() -> None:
    config = parsed({"data": {"end": "2010-01-01"}})
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301


def test_there_is_a_demo_of_each_bundled_strategy() -> None:
    shorts = [load_config(path).short for path in DEMO_CONFIGS]
    strategies = {short.strategies[0].strategy for short in shorts}
    assert strategies == {"sma_crossover", "rsi_mean_reversion", "momentum"}
