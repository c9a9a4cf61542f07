"""`btstore run` and `btstore reproduce`, the same words on every NautilusTrader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import shell
from tests.capture.stores import only, stored
from tests.shell import Answer

SHORT = """
strategy = "sma_crossover"

[parameters]
fast_period = 2
slow_period = 4
equity_fraction = 0.95

[data]
path = "ACME.XNAS.csv"
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A config of the short form, on a CSV file that goes up, down and up again."""
    closes = [100, 101, 102, 101, 99, 97, 96, 98, 101, 104, 105, 103, 100, 98, 97, 99, 102, 106]
    rows = [
        f"2024-01-{day:02},{price - 0.5},{price + 1},{price - 1},{price},1000000"
        for day, price in enumerate(closes, 1)
    ]
    (tmp_path / "ACME.XNAS.csv").write_text("date,open,high,low,close,volume\n" + "\n".join(rows))
    path = tmp_path / "sma.toml"
    path.write_text(SHORT)
    return path


def btstore(*words: object, code: int = 0) -> Answer:
    answer = shell.btstore(*map(str, words))
    assert answer.code == code, answer.err
    return answer


def records(*arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(btstore(*arguments, "--format", "json").out)
    return found


def test_a_csv_file_is_run_and_the_run_is_reproduced(store: str, short: Path) -> None:
    # In a process of its own: what this one runs is the code of pytest, too.
    program = str(Path(sys.executable).with_name("btstore"))
    (ran,) = json.loads(subprocess.check_output([program, "run", str(short), "--format", "json"]))
    assert ran["status"] == "success"
    assert (ran["strategy_name"], ran["total_trades"]) == ("SMA Crossover", 1)
    assert ran["parameters"]["slow_period"] == 4
    assert float(ran["net_profit"]) == -940 * 1 + 922 * 4  # shares by what each gained
    again = btstore("reproduce", ran["run_id"], "--format", "json")
    assert json.loads(again.out)
    original, repetition = stored(store)
    assert repetition["reproduced_from"] == original["run_id"]
    same = ("config_hash", "code_hash", "data_fingerprint", "net_profit", "sharpe_ratio")
    assert {n: repetition[n] for n in same} == {n: original[n] for n in same}
    assert original["config_hash"] is not None


def test_a_grid_runs_on_several_processes(store: str, short: Path) -> None:
    ran = records("run", short, "--set", "fast_period=1,2,3", "--jobs", "2")
    assert sorted(run["parameters"]["fast_period"] for run in ran) == [1, 2, 3]
    assert len({run["config_hash"] for run in stored(store)}) == 3
    assert len({run["batch_id"] for run in stored(store)}) == 1


def test_an_identical_run_is_reused(store: str, short: Path) -> None:
    first = records("run", short)
    assert records("run", short, "--skip-existing")[0]["run_id"] == first[0]["run_id"]
    assert only(store)["run_id"] == first[0]["run_id"]


def test_the_long_form_that_the_short_one_stands_for_is_the_same_run(
    store: str, short: Path
) -> None:
    long = short.with_name("long.json")
    long.write_text(btstore("run", short, "--dry-run").out)
    records("run", short)
    (ran,) = records("run", long)
    assert ran["status"] == "success"
    by_short, by_long = stored(store)
    same = ("data_fingerprint", "net_profit", "period_returns", "config_hash")
    assert {n: by_long[n] for n in same} == {n: by_short[n] for n in same}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fast_period=0", "fast_period must be at least 1, was 0"),
        ("fast_perod=3", "no parameter 'fast_perod'; did you mean 'fast_period'?"),
        ("fast_period=many", "fast_period"),
        ("data.path=nowhere.csv", "nowhere.csv"),
        ("venue.starting_balance=5 XYZ", "XYZ"),
    ],
)
def test_a_mistake_is_told_with_its_value(store: str, short: Path, setting: str, said: str) -> None:
    done = btstore("run", short, "--set", setting, code=2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert stored(store) == []


def test_the_demo_runs_all_bundled_strategies(store: str) -> None:
    assert "sharpe_ratio" in btstore("demo").out
    assert sorted(run["strategy_name"] for run in stored(store)) == [
        "Momentum",
        "RSI Mean Reversion",
        "SMA Crossover",
    ]
    assert {run["status"] for run in stored(store)} == {"success"}


def test_data_that_is_not_there_is_told_by_the_line_that_asks_for_it(
    store: str, short: Path
) -> None:
    short.write_text(SHORT + "start = 2030-01-01\n")
    line = SHORT.splitlines().index("[data]") + 1
    said = btstore("run", short, code=2).err
    assert said.startswith(f"error: {short}, line {line}: ")
    assert "has no Bar of ACME.XNAS-1-DAY-LAST-EXTERNAL" in said
    assert stored(store) == []
