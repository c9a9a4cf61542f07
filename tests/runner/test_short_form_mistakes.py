"""A mistake in the short form gets one line, which says where it is and what to write."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.runner.test_short_form_data import bars
from tests.shell import btstore

CONFIG = """\
strategy = "sma_crossover"
tags = ["mine"]

[parameters]
fast_period = 5
slow_period = 20
equity_fraction = 0.95

[data]
path = "AAPL.XNAS.csv"
start = 2020-01-01

[venue]
taker_fee = 0.001

[grid]
slow_period = [20, 30]
"""
YAML = """\
strategy: sma_crossover
parameters:
  fast_period: 5
  equity_fraction: 0.95
data:
  path: AAPL.XNAS.csv
  bars: 1-DAY
"""


def replacing(old: str, new: str) -> Callable[[str], str]:
    assert old in CONFIG
    return lambda text: text.replace(old, new)


MISTAKES = {
    "unknown key": (replacing("taker_fee", "taker_fees"), 14, "no key 'venue.taker_fees'; did you mean 'taker_fee'?"),
    "wrong type": (replacing("= 5", '= "few"'), 5, "fast_period must be a whole number, was 'few'"),
    "several values": (replacing("= 5", "= [5, 6]"), 5, "give one value here, and several under [grid] or --set"),
    "missing file": (replacing("AAPL.XNAS", "MSFT"), 10, "MSFT.csv; known are AAPL.XNAS.csv, ES.XCME.csv, EURUSD.csv, WRONG.csv, prices.csv"),
    "bad date": (replacing("2020-01-01", '"1/2/2020"'), 11, "'1/2/2020' is not a date or time; write 2005-01-31"),
    "wrong column": (replacing("AAPL.XNAS", "WRONG"), 10, "WRONG.csv, line 1: no column named close; write it in the first line, which has date, open"),
    "not importable": (replacing("sma_crossover", "nowhere:Mine"), 1, "no module 'nowhere' beside this file, in the working directory, or installed; write package.module:Class"),
    "a file": (replacing("sma_crossover", "mine.py"), 1, "'mine.py' is a file; write mine:ClassName"),
    "unknown strategy": (replacing("sma_crossover", "sma_cross"), 1, "no bundled strategy 'sma_cross'; did you mean 'sma_crossover'?"),
    "unknown instrument": (replacing('path = "AAPL.XNAS.csv"', 'catalog = "c"\nbar = "1-DAY"\ninstrument = "AAPL"'), 12, "data.instrument: 'AAPL' is not an instrument; write SYMBOL.VENUE"),
    "range on a text": (replacing("[20, 30]", '{from = "a", to = "b"}'), 17, "grid.slow_period: a range is of numbers, was 'a'"),
    "constraint that excludes all": (replacing("[20, 30]", '[20, 30]\nconstraints = ["slow_period < 9"]'), 18, "no combination satisfies 'slow_period < 9'; change that or the values"),
    "two data without an instrument": (replacing('[data]\npath = "AAPL.XNAS.csv"', '[[data]]\npath = "AAPL.XNAS.csv"\n[[data]]\npath = "prices.csv"'), 11, 'which instrument is prices.csv? Its name does not tell; write instrument = "AAPL.XNAS"'),
    "beyond leverage": (replacing("0.95", "95"), 7, "equity_fraction must be at most venue.leverage 1"),
    "another currency": (replacing("[grid]", '[instrument]\ncurrency = "EUR"\n\n[grid]'), 13, "venue.starting_balance: '100000 USD' is not in EUR, in which AAPL.XNAS is quoted"),
    "too many decimals": (replacing("[grid]", "[instrument]\nprice_precision = 2\ntick_size = 0.001\n\n[grid]"), 18, "instrument.tick_size: 0.001 has more decimals than price_precision 2"),
    "a key of another section": (replacing("= 5", "= 5\nleverage = 2"), 6, "SMA Crossover has no parameter 'leverage'; did you mean 'venue.leverage'?"),
    "no such time": (replacing("2020-01-01", "2030-01-01"), 9, "AAPL.XNAS.csv has no Bar of AAPL.XNAS-1-DAY-LAST-EXTERNAL from 2030-01-01; it has some from 2020-01-0"),
    "a parameter on top": (replacing('tags = ["mine"]', "fast = 5"), 2, "no key 'fast'; known are data, engine, instrument, name, note, parameters, strategy, strategy_config, tags, type, venue; a strategy's are under [parameters]"),
    "a range as a parameter": (replacing("= 5", '= "5..50:5"'), 5, "SMA Crossover: fast_period must be a whole number, was '5..50:5'; give one value here, and several under [grid] or --set"),
    "a table as a parameter": (replacing("= 5", "= {from = 5, to = 9}"), 5, "SMA Crossover: fast_period must be a whole number, was {'from': 5, 'to': 9}; give one value here, and several under [grid]"),
    "a range of the shell's": (replacing("[20, 30]", '"20..30"'), 17, "grid.slow_period: in a file, write 20..30 as {from = 20, to = 30, step = 1}"),
    "a range of the shell's with a step": (replacing("[20, 30]", '"20..30:5"'), 17, "grid.slow_period: in a file, write 20..30:5 as {from = 20, to = 30, step = 5}"),
    "a contract's size": (replacing("[venue]", '[instrument]\ntype = "future"\n[venue]'), 13, "instrument.multiplier is missing; write it, since AAPL.XNAS is of type 'future'"),
    "no bars": (replacing("AAPL.XNAS", "EURUSD"), 4, 'SMA Crossover: missing `bar_type`; write bar = "1-HOUR" under [data], and bars are made of its quotes or trades'),
    "two venues": (replacing("[data]", '[[data]]\npath = "ES.XCME.csv"\n[[data]]'), 11, "data[1]: the short form has one venue, and the data is of XCME, XNAS; write the long form, with [[venues]]"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bars(tmp_path / "AAPL.XNAS.csv", count=100)
    bars(tmp_path / "prices.csv", count=100)
    bars(tmp_path / "ES.XCME.csv", count=100)
    (tmp_path / "EURUSD.csv").write_text("time,bid,ask\n2020-01-01,1.1,1.2\n")
    (tmp_path / "WRONG.csv").write_text("date,open,high,low,shut\n2020-01-01,1,1,1,1")
    return tmp_path


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_line(name: str, folder: Path, store: str) -> None:
    change, line, said = MISTAKES[name]
    path = folder / "c.toml"
    path.write_text(change(CONFIG))
    answer = btstore("run", str(path))
    assert (answer.code, answer.out) == (2, ""), answer.err
    told = answer.err.splitlines()[0]
    assert said in told
    assert told.startswith(f"error: {path}, line {line}: ")
    assert stored(store) == []


def test_a_line_of_yaml_is_told_too(folder: Path, store: str) -> None:
    path = folder / "c.yaml"
    path.write_text(YAML)
    answer = btstore("run", str(path))
    assert answer.err == f"error: {path}, line 7: no key 'data.bars'; did you mean 'bar'?\n"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('"5..50:5"', 'in a file, write 5..50:5 as {"from": 5, "to": 50, "step": 5}'),
        ('{"from": "a"}', 'was \'a\'; write {"from": 5, "to": 50, "step": 5}, or a list'),
    ],
)
def test_a_range_is_written_as_yaml_and_json_have_it(
    wrong: str, told: str, folder: Path, store: str
) -> None:
    path = folder / "c.yaml"
    path.write_text(f"{YAML.replace('bars', 'bar')}grid:\n  fast_period: {wrong}\n")
    answer = btstore("run", str(path))
    assert answer.err.startswith(f"error: {path}, line 9: grid.fast_period: "), answer.err
    assert told in answer.err


def test_the_file_without_a_mistake_runs(folder: Path, store: str) -> None:
    path = folder / "c.toml"
    path.write_text(CONFIG)
    answer = btstore("run", str(path))
    assert answer.code == 0, answer.err
    assert len(stored(store)) == 2
