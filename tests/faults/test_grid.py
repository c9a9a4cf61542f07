"""Whatever dies while a grid runs, each combination ends up stored once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backtest_store.store.embedded.server import EmbeddedServer
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.faults import random_moments as moments
from tests.faults.random_moments import chance
from tests.shell import btstore

CONFIG = """
strategy = "sma_crossover"
[parameters]
equity_fraction = 0.95
[data]
source = "sp500_daily"
start = 2005-01-01
end = 2005-06-30
"""
GRID = ("--set", "fast_period=3,4,5,6", "--set", "slow_period=20,40")
COMBINATIONS = {(fast, slow) for fast in range(3, 7) for slow in (20, 40)}
HANGS = 140  # seconds; a grid takes a few, and a minute on a busy machine
pytestmark = pytest.mark.timeout(2 * HANGS)
COMMAND = (sys.executable, "-c", "from backtest_store.cli.app import entry; entry()", "run")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "grid.toml"
    path.write_text(CONFIG)
    return str(path)


def start(config: str, jobs: int = 2) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, config, *GRID, "--jobs", str(jobs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def at_some_moment(url: str, process: "subprocess.Popen[str]") -> str:
    """Wait until some runs are stored and then a little; return how long, for the report."""
    moments.begin()
    count, more = chance.randrange(len(COMBINATIONS) - 1), chance.uniform(0, 0.2)
    with psycopg.connect(url, autocommit=True) as connection:
        while process.poll() is None:
            row = connection.execute("SELECT count(*) FROM backtest_runs").fetchone()
            if row is not None and row[0] >= count:
                break
            time.sleep(0.01)
    time.sleep(more)
    return f"killed {more:.3f} s after run {count}"


def worker_of(parent: int) -> int:
    """Return one of the processes that run backtests; 0 if there is none."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    workers = [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
    return int(chance.choice(workers)) if workers else 0


def successes(url: str) -> Counter[tuple[int, int]]:
    return Counter(
        (run["parameters"]["fast_period"], run["parameters"]["slow_period"])
        for run in stored(url)
        if run["status"] == "success"
    )


def finish(url: str, config: str, moment: str) -> None:
    """Run the grid again, without what is stored; then each combination is there once."""
    answer = btstore("run", config, *GRID, "--skip-existing")
    assert answer.code == 0, answer.err
    assert successes(url) == Counter(COMBINATIONS), moment
    assert {run["status"] for run in stored(url)} <= {"success", "interrupted"}


def test_two_grids_at_once_store_every_run_of_each_once(store: str, config: str) -> None:
    grids = [start(config, jobs=1), start(config, jobs=1)]
    for grid in grids:
        _, err = grid.communicate(timeout=HANGS)
        assert (grid.returncode, err.splitlines()[-1]) == (0, f"{len(COMBINATIONS)} saved")
    assert successes(store) == Counter(dict.fromkeys(COMBINATIONS, 2))


@pytest.mark.parametrize("victim", [lambda pid: pid, worker_of], ids=["the parent", "a worker"])
def test_a_process_is_killed(store: str, config: str, victim: Callable[[int], int]) -> None:
    process = start(config)
    moment = at_some_moment(store, process)
    if process.poll() is None and (pid := victim(process.pid)):
        os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=HANGS)  # workers hold the pipes until they end
    done = successes(store)
    assert set(done.values()) <= {1}, moment
    if process.returncode == 1:
        assert "its process was killed by SIGKILL" in err
        assert len(done) >= len(COMBINATIONS) - 1, moment
    else:
        assert process.returncode in (0, -signal.SIGKILL), err
    finish(store, config, moment)


def test_the_database_is_killed(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("BTSTORE_HOME", str(home))
    monkeypatch.delenv("BTSTORE_DATABASE_URL", raising=False)
    server = EmbeddedServer(home)
    try:
        assert btstore("history").code == 0
        process = start(config)
        moment = at_some_moment(server.url(), process)
        postmaster = int((server.data_directory / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        _, err = process.communicate(timeout=HANGS)
        assert process.returncode in (0, 4), (err, moment)
        assert (process.returncode == 4) == ("kept in the spool" in err), (err, moment)
        btstore("sync")
        assert successes(server.start()) == Counter(COMBINATIONS), moment
        finish(server.start(), config, moment)
    finally:
        server.stop()
