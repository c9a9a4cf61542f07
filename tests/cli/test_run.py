"""`btstore run`: what a trader sees of one backtest and of a grid."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from backtest_store.cli.output.batch_messages import look_for_unsaved
from backtest_store.cli.progress import progress
from backtest_store.cli.ray_option import with_address
from backtest_store.runner import ray_cluster
from backtest_store.runner.batch import Report
from backtest_store.runner.parallel import ThisProcess
from backtest_store.saving import background_saver
from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.factories import make_record, store_at
from tests.shell import Answer, btstore

CONFIG = """
strategy = "sma_crossover"
[parameters]
fast_period = 5
slow_period = 20
equity_fraction = 0.95
[data]
source = "sp500_daily"
start = 2005-01-01
end = 2005-06-30
[venue]
taker_fee = 0.0001
"""
FAILING = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import BarType
from nautilus_trader.trading.strategy import Strategy
import os, signal, time

class TroubleConfig(StrategyConfig, frozen=True):
    bar_type: BarType
    trouble: str = "none"

class Trouble(Strategy):
    def on_start(self):
        self.subscribe_bars(self.config.bar_type)

    def __init__(self, config):
        super().__init__(config)
        if config.trouble == "constructor":
            raise ArithmeticError("this one cannot be made")

    def on_bar(self, bar):
        if self.config.trouble == "raise":
            raise ArithmeticError("this one fails")
        if self.config.trouble == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.trouble == "hang":
            open(os.environ["BEGUN"], "a").close()
            time.sleep(60)
"""


@pytest.fixture
def config(store: str, tmp_path: Path) -> str:
    path = tmp_path / "short.toml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture
def trouble(store: str, tmp_path: Path) -> str:
    (tmp_path / "trouble.py").write_text(FAILING)
    path = tmp_path / "trouble.json"
    data = {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-01-31"}
    venue = {"taker_fee": 0.0001}
    path.write_text(json.dumps({"strategy": "trouble:Trouble", "data": data, "venue": venue}))
    return str(path)


def shown(answer: Answer) -> list[dict[str, Any]]:
    found = json.loads(answer.out)
    assert isinstance(found, list)
    return found


def test_a_run_is_saved_and_shown(store: str, config: str) -> None:
    answer = btstore(
        "run", config, "--tag", "a", "--tag", "b", "--note", "why", "--name", "Mine",
        "--format", "json",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    (run,) = shown(answer)
    (saved,) = stored(store)
    assert run["run_id"] == saved["run_id"]
    assert run["sharpe_ratio"] == saved["sharpe_ratio"] is not None
    assert (saved["strategy_name"], saved["tags"], saved["note"]) == ("Mine", ["a", "b"], "why")


@pytest.mark.parametrize("form", ["short", "long"])
def test_modules_of_one_name_beside_two_configs_do_not_mix(
    form: str, store: str, tmp_path: Path
) -> None:
    paths = []
    for name in ("one", "two"):
        place = tmp_path / name
        place.mkdir()
        code = FAILING.replace('if self.config.trouble == "raise":', "if True:")
        (place / "twin.py").write_text(code.replace("this one fails", name))
        data = {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-01-31"}
        content: Any = {"strategy": "twin:Trouble", "data": data, "venue": {"taker_fee": 0.0001}}
        paths.append(place / "c.json")
        paths[-1].write_text(json.dumps(content))
        if form == "long":
            paths[-1].write_text(btstore("run", str(paths[-1]), "--dry-run").out)
    answer = btstore("run", *map(str, paths))
    assert "2 failed" in answer.err
    runs = stored(store)
    assert sorted(run["error_message"] for run in runs) == ["one", "two"]
    assert len({run["code_hash"] for run in runs}) == 2


def test_a_grid_runs_each_combination_once(store: str, config: str) -> None:
    answer = btstore(
        "run", config, "--set", "fast_period=5,10,30", "--set", "slow_period=20,40",
        "--set", "data.start=2005-01-01,2005-02-01", "--format", "json",
    )  # fmt: skip
    assert answer.code == 0
    saved = [
        (r["parameters"]["fast_period"], r["parameters"]["slow_period"], r["start_date"][:10])
        for r in shown(answer)
    ]
    assert saved == [
        (fast, slow, start)
        for fast in (5, 10, 30)
        for slow in (20, 40)
        for start in ("2005-01-04", "2005-02-02")
        if fast < slow
    ]
    assert len(stored(store)) == 10
    assert answer.err.splitlines() == [
        (
            "warning: skipped 2 impossible combinations: fast_period=30, slow_period=20,"
            " data.start=2005-01-01: --set: SMA Crossover: fast_period must be less than slow_period 20,"
            " was 30"
        ),
        "10 saved, 2 skipped",
    ]


def test_each_kind_of_reason_for_an_impossible_combination_is_told(store: str, config: str) -> None:
    answer = btstore("run", config, "--set", "fast_period=5,30,40", "--set", "slow_period=20,-1")
    assert answer.code == 0
    skipped = [line for line in answer.err.splitlines() if line.startswith("warning: skipped")]
    prefix = "warning: skipped {} impossible combination{}: fast_period={}, slow_period={}: --set:"
    assert skipped == [
        prefix.format(3, "s", 5, -1) + " SMA Crossover: slow_period must be at least 1, was -1",
        prefix.format(2, "s", 30, 20)
        + " SMA Crossover: fast_period must be less than slow_period 20, was 30",
    ]


def test_bars_that_no_data_brings_are_told_of(store: str, trouble: str) -> None:
    other = "MSFT.XNAS-1-DAY-LAST-EXTERNAL"
    made = "SPX.XCBO-5-DAY-LAST-INTERNAL@1-DAY-EXTERNAL"  # of bars, by the engine
    answer = btstore("run", trouble, "--set", f"bar_type={other},{made}", "--format", "json")
    assert (answer.code, len(shown(answer))) == (0, 2)
    there = "SPX.XCBO-1-DAY-LAST-EXTERNAL"
    said = f"note: Trouble asks for {other}, of which there is no data; there is {there}"
    assert answer.err.splitlines() == [said, "2 saved"]


def test_several_processes_give_what_one_gives(store: str, config: str) -> None:
    grid = ("run", config, "--set", "fast_period=3,4,5,6,7,8", "--format", "json")
    alone, together = btstore(*grid), btstore(*grid, "--jobs", "2")
    assert (alone.code, together.code) == (0, 0)
    results = [
        [
            (run["parameters"]["fast_period"], run["config_hash"], run["sharpe_ratio"])
            for run in runs
        ]
        for runs in (shown(alone), shown(together))
    ]
    assert results[0] == results[1]
    assert len(stored(store)) == 12


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "fast_period=30"], "fast_period must be less than slow_period 20, was 30"),
        (["--set", "fast_perod=3,4"], "no parameter 'fast_perod'; did you mean 'fast_period'?"),
        (["--set", "fast_period"], "a name and its values are needed"),
        (["--set", "data.strat=2005-01-01"], "'data.strat'"),
        (["--name", ""], "name"),
    ],
)
def test_what_cannot_be_run_at_all_is_refused(
    store: str, config: str, options: list[str], said: str
) -> None:
    answer = btstore("run", config, *options)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert stored(store) == []


def test_a_mistake_in_the_last_config_costs_nothing(
    store: str, config: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(CONFIG.replace("fast_period = 5", "fast_period = 50"))
    assert btstore("run", config, str(wrong)).code == 2
    assert btstore("run", config, str(tmp_path / "missing.toml")).code == 2
    assert stored(store) == []


def test_an_identical_run_is_named(store: str, config: str) -> None:
    (first,) = shown(btstore("run", config, "--format", "json"))
    again = btstore("run", config, "--tag", "other", "--note", "x", "--name", "Y")
    assert again.code == 0
    assert f"{first['run_id']} of {first['started_at'][:10]}" in again.err
    assert f"Sharpe ratio {first['sharpe_ratio']:.3g}" in again.err
    assert len(stored(store)) == 2
    other = btstore("run", config, "--set", "fast_period=6")
    assert "duplicates" not in other.err


def test_an_existing_run_is_taken_instead(store: str, config: str) -> None:
    (first,) = shown(btstore("run", config, "--format", "json"))
    answer = btstore(
        "run", config, "--set", "fast_period=5,6", "--skip-existing", "--format", "json"
    )
    assert (answer.code, answer.err) == (0, "1 saved, 1 stored before\n")
    assert shown(answer)[0] == first
    assert len(stored(store)) == 2


def test_an_existing_run_that_is_taken_is_tagged(store: str, config: str) -> None:
    btstore("run", config, "--tag", "old")
    words = ("run", config, "--tag", "new", "--format", "json")
    (again,) = shown(btstore(*words, "--skip-existing"))
    assert again["tags"] == ["old", "new"]
    assert len(stored(store)) == 1


def test_changed_code_is_not_an_existing_run(store: str, trouble: str) -> None:
    assert btstore("run", trouble).code == 0
    file = Path(trouble).with_name("trouble.py")
    assert "duplicates" in btstore("run", trouble).err
    file.write_text(FAILING + "\n# changed")
    del sys.modules["trouble"]  # as in a new process
    assert btstore("run", trouble, "--skip-existing").code == 0
    assert len(stored(store)) == 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_fails_does_not_stop_the_others(store: str, trouble: str, jobs: int) -> None:
    answer = btstore("run", trouble, "--set", "trouble=raise,a,b", "--jobs", str(jobs))
    assert answer.code == 1
    assert "2 saved, 1 failed\n" in answer.err
    assert "error: trouble=raise failed: this one fails\nhint: btstore show " in answer.err
    statuses = {run["parameters"]["trouble"]: run["status"] for run in stored(store)}
    assert statuses == {"raise": "failed", "a": "success", "b": "success"}


def test_of_one_that_cannot_be_constructed_no_more_is_shown_than_of_others(
    store: str, trouble: str
) -> None:
    answer = btstore("run", trouble, "--set", "trouble=constructor,a,b")
    assert answer.code == 1
    assert "error: trouble=constructor failed: this one cannot be made\n" in answer.err
    known = {run["parameters"]["trouble"]: {*run["parameters"]} for run in stored(store)}
    assert known["constructor"] == known["a"] == {"bar_type", "trouble"}
    header = answer.out.splitlines()[0]
    assert "trouble" in header
    assert "use_" not in header
    assert "period" not in header


def test_a_worker_that_dies_is_reported_and_its_run_is_not_lost(store: str, trouble: str) -> None:
    answer = btstore("run", trouble, "--set", "trouble=a,die,b", "--jobs", "2")
    assert answer.code == 1
    assert "2 saved, 1 failed" in answer.err
    assert "error: trouble=die: its process was killed by SIGKILL" in answer.err
    btstore("history")
    statuses = {run["parameters"]["trouble"]: run["status"] for run in stored(store)}
    assert statuses == {"die": "interrupted", "a": "success", "b": "success"}


def test_what_went_to_the_spool_is_not_said_to_be_saved(
    store: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("PATIENCE", "LITTLE_PATIENCE"):
        monkeypatch.setattr(background_saver, patience, 0.1)
    with psycopg.connect(store) as holder:
        holder.execute("LOCK backtest_runs IN EXCLUSIVE MODE")
        answer = btstore("run", config, "--set", "fast_period=5,6")
        one = btstore("run", config)
    hint = "hint: btstore sync saves what the spool keeps"
    assert (answer.code, answer.err.splitlines()[-2:]) == (4, ["2 kept in the spool", hint])
    assert (one.code, one.err.splitlines()[-2:]) == (4, ["1 kept in the spool", hint])
    assert btstore("sync").code == 0
    assert [run["status"] for run in stored(store)] == ["success"] * 3


def test_what_left_the_spool_meanwhile_is_said_to_be_saved(store: str) -> None:
    saved, waiting = make_record(), make_record()
    store_at(store, saved)
    report = Report((), {0: saved, 1: waiting}, {}, {saved.run_id, waiting.run_id})
    look_for_unsaved(report, ThisProcess())
    assert (report.saved, report.unsaved) == (1, {waiting.run_id})


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("a.toml --ray", "a.toml --ray=auto"),
        ("--ray a.toml --jobs 2", "--ray=auto a.toml --jobs 2"),
        ("--ray --jobs 2 a.toml", "--ray=auto --jobs 2 a.toml"),
        ("--ray auto a.toml", "--ray auto a.toml"),
        ("--ray local a.toml", "--ray local a.toml"),
        ("--ray 10.0.0.1:6379 a.toml", "--ray 10.0.0.1:6379 a.toml"),
        ("--ray ray://head:10001 a.toml", "--ray ray://head:10001 a.toml"),
        ("--ray=head a.toml", "--ray=head a.toml"),
        ("-- --ray", "-- --ray"),
    ],
)
def test_ray_takes_an_address_or_none(words: str, meant: str) -> None:
    assert list(with_address(words.split())) == meant.split()


def test_without_ray_its_option_is_refused_with_or_without_an_address(
    store: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    for words in (["--ray"], ["--ray", "local"]):
        answer = btstore("run", *words, config)
        assert (answer.code, answer.out) == (1, "")
        assert "Ray is not installed" in answer.err


def successes(url: str) -> set[str]:
    return {r["parameters"]["trouble"] for r in stored(url) if r["status"] == "success"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_stops_at_once_and_keeps_what_is_done(
    store: str, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    command = [sys.executable, "-c", "from backtest_store.cli.app import entry; entry()", "run"]
    process = subprocess.Popen(
        [*command, trouble, "--set", "trouble=a,hang,b", "--jobs", str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not ((tmp_path / "begun").exists() and "a" in successes(store)):
        time.sleep(0.05)
        assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does, to all of them
    out, err = process.communicate(timeout=50)  # the backtest itself would take 60 seconds more
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    counts = re.search(r"(\d) saved, (\d) not finished", err)
    assert counts, err
    assert int(counts[1]) + int(counts[2]) == len(["a", "hang", "b"])
    statuses = {run["parameters"]["trouble"]: run["status"] for run in stored(store)}
    assert statuses["a"] == "success"
    assert statuses["hang"] == "interrupted"


CONSTRUCTOR = """
from nautilus_trader.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

class NarrowConfig(StrategyConfig, frozen=True):
    width: int = 1

class Narrow(Strategy):
    def __init__(self, config):
        super().__init__(config)
        if config.width < 0:
            raise ValueError("too narrow")
        if config.width > 9:
            raise OverflowError(f"too wide by {config.width - 9}")
"""


def test_a_constructor_that_raises_is_a_run_that_failed(store: str, tmp_path: Path) -> None:
    (tmp_path / "narrow.py").write_text(CONSTRUCTOR)
    path = tmp_path / "narrow.toml"
    path.write_text(
        'strategy = "narrow:Narrow"\n[data]\nsource = "sp500_daily"\nend = 1999-01-31\n'
        "[venue]\ntaker_fee = 0.001\n[grid]\nwidth = [-1, 1, -2, 10, 11, -3, -4, -5, -6]\n"
    )
    answer = btstore("run", str(path))
    assert answer.code == 1
    assert "1 saved, 8 failed" in answer.err
    errors = [line for line in answer.err.splitlines() if line.startswith("error")]
    # Each that failed is named, those of one reason together.
    assert errors == [
        "error: width=-1; width=-2; width=-3; width=-4; width=-5; width=-6 failed: too narrow",
        "error: width=10 failed: too wide by 1",
        "error: width=11 failed: too wide by 2",
    ]
    runs = stored(store)
    assert sorted(run["status"] for run in runs) == ["failed"] * 8 + ["success"]
    failed = next(run for run in runs if run["status"] == "failed")
    assert failed["error_type"] == "ValueError"
    assert failed["config_hash"]
    assert failed["parameters"]["width"] == -1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_without_a_database_runs_go_to_the_spool_and_that_is_said_once(
    store: str, config: str, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    words = ["--set", "fast_period=3,4,5", "--format", "json", "--jobs", jobs]
    answer = forked.btstore("run", config, *words)
    assert answer.returncode == 4
    assert len(json.loads(answer.stdout)) == 3
    told, *others = answer.stderr.splitlines()
    assert "cannot reach PostgreSQL at 127.0.0.1:1: connection refused" in told
    assert others == ["3 kept in the spool", "hint: btstore sync saves what the spool keeps"]
    monkeypatch.setenv("BTSTORE_DATABASE_URL", store)
    assert stored(store) == []


def test_what_would_run_is_printed_in_nautilus_traders_terms(store: str, config: str) -> None:
    answer = btstore("run", config, "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    printed = json.loads(answer.out)
    assert stored(store) == []
    assert printed["venues"][0]["name"] == "XCBO"
    again = Path(config).with_name("long.json")
    again.write_text(answer.out)
    (run,) = shown(btstore("run", str(again), "--format", "json"))
    (short,) = shown(btstore("run", config, "--format", "json"))
    metrics = ("total_return", "sharpe_ratio", "total_fees", "final_balance", "config_hash")
    assert [run[name] for name in metrics] == [short[name] for name in metrics]
    grid = btstore("run", config, "--dry-run", "--set", "fast_period=3..5")
    assert [
        json.loads(line)["engine"]["strategies"][0]["config"]["fast_period"]
        for line in grid.out.splitlines()
    ] == [3, 4, 5]


def test_the_runs_of_a_grid_have_a_batch(store: str, config: str) -> None:
    named = Path(config).with_name("named.toml")
    named.write_text(CONFIG + '[grid]\nname = "periods"\nfast_period = [3, 4]\n')
    assert btstore("run", config).code == 0
    assert btstore("run", str(named)).code == 0
    assert btstore("run", config, "--set", "fast_period=6,7,8").code == 0
    alone, first, second, *others = runs = stored(store)
    assert (alone["batch_id"], alone["batch_name"]) == (None, None)
    assert first["batch_id"] == second["batch_id"] is not None
    assert (first["batch_name"], second["batch_name"]) == ("periods", "periods")
    assert {run["batch_id"] for run in others} - {None, first["batch_id"]}
    for batch, count in (
        ("periods", 2),
        (first["batch_id"], 2),
        (first["batch_id"][:8], 2),
        ("@latest", 3),
        ("@batch", 3),
        ("@batch~1", 2),
        ("@latest~1", 2),
        ("@batch~2", 0),
        ("@batch~999999999", 0),
        ("nothing", 0),
    ):
        listed = btstore("history", "--batch", batch, "--format", "json")
        assert len(json.loads(listed.out or "[]")) == count, batch
    assert len(runs) == 6


def test_what_costs_nothing_is_told_once_a_command(store: str, config: str) -> None:
    Path(config).write_text(CONFIG.replace("taker_fee = 0.0001", ""))
    answer = btstore("run", config, "--set", "fast_period=3,4")
    assert answer.code == 0
    assert answer.err.count("trading costs nothing here") == 1


def said_by(terminal: int) -> str:
    """Read what a terminal shows; nothing once its other end is closed."""
    try:
        return os.read(terminal, 65536).decode()
    except OSError:
        return ""


def test_a_terminal_sees_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress(3, "backtests") as advance:
            for _ in range(3):
                advance()
    seen = "".join(iter(lambda: said_by(ours), ""))
    os.close(ours)
    assert "backtests" in seen
    assert "3/3" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)


def test_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    with progress(3, "backtests") as advance:
        advance()
    assert written.getvalue() == ""


def test_what_varies_in_a_grid_is_shown_a_column_each_at_80_columns(
    store: str, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    path = Path(config)
    path.write_text(
        CONFIG + '[grid]\nname = "many"\nfast_period = [3, 4]\n"venue.taker_fee" = [0, 0.0025]\n'
        '"venue.fill" = ["close"]\n[[grid.periods]]\nend = 2005-04-30\n'
        "[[grid.periods]]\nstart = 2005-02-01\n"
    )
    answer = btstore("run", config)
    assert answer.code == 0, answer.err
    for out in (answer.out, btstore("history", "--batch", "@batch", "--sort", "started_at").out):
        heading, rule, *rows = out.splitlines()
        while not rule.startswith("---"):  # a heading of two lines
            heading, rule, rows = f"{heading} {rule}", rows[0], rows[1:]
        for name in ("fast_", "taker_", "period"):
            assert name in heading, out
        assert "fill" not in heading
        assert max(map(len, out.splitlines())) <= 80
        assert len(rows) == 8
        cells = {re.search(r" ([34]) +(0|0\.0025) +(\S+→\S+) ", row).groups() for row in rows}  # type: ignore[union-attr]
        assert {(fast, fee) for fast, fee, _ in cells} == {
            (fast, fee) for fast in "34" for fee in ("0", "0.0025")
        }
        assert len({period for *_, period in cells}) == 2
        assert len(cells) == 8
