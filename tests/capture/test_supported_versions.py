"""On a NautilusTrader that is not supported, backtests run as ever, and one line says the rest."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtest_store import record, recording, save_run
from backtest_store.capture.engines import supported_versions
from tests import forked
from tests.capture.backtests import backtest
from tests.capture.stores import stored
from tests.shell import btstore

ROOT = str(Path(__file__).parents[2])
REASON = "it has to be NautilusTrader 1.x or 2.x, was 3.0.0"
SCRIPT = """
from tests.capture.backtests import backtest
made = backtest([100, 110], {0: 10, 1: -10})
made.run()
print(len(made.cache.positions_closed()))
"""


def forget() -> None:
    for cached in (supported_versions.engine_version, recording._is_supported):
        cached.cache_clear()


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Say of the engine that is installed that it is a later one, as its package would."""
    folder = tmp_path / "nautilus_trader-3.0.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: nautilus_trader\nVersion: 3.0.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), ROOT]))
    forget()
    yield tmp_path
    forget()


def test_hook_says_so_once_and_leaves_the_backtest_alone(
    store: str, newer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = backtest([100, 110], {0: 10, 1: -10})
    for _ in range(2):
        with record(made) as run:
            made.run()
        assert (run.run_id, save_run(made)) == (None, None)
        assert len(made.cache.positions_closed()) == 1
        made.reset()
    assert capsys.readouterr().err == f"btstore: warning: no run is recorded: {REASON}\n"
    assert stored(store) == []


def test_script_under_exec_runs_as_ever(store: str, newer: Path) -> None:
    script = newer / "script.py"
    script.write_text(SCRIPT)
    done = forked.btstore("exec", script)
    assert done.returncode == 0
    assert done.stdout == "1\n"
    told = f"btstore: warning: no run was recorded: {REASON}\nbtstore: no runs were recorded\n"
    assert done.stderr == told
    assert stored(store) == []


def test_commands_that_run_a_backtest_say_so(store: str, newer: Path) -> None:
    config = newer / "sma.toml"
    config.write_text('strategy = "sma_crossover"\n[data]\nsource = "sp500_daily"\n')
    for command in (["run", str(config)], ["demo"]):
        answer = btstore(*command)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err.splitlines() == [
            f"error: cannot run a backtest: {REASON}",
            "hint: install the extra `nautilus`; in a checkout: pip install -e '.[nautilus]'",
        ]


def test_without_an_engine_there_is_nothing_to_support(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    forget()
    assert supported_versions.unsupported() == "nautilus_trader is not installed"
    monkeypatch.undo()
    forget()
    assert supported_versions.unsupported() is None
