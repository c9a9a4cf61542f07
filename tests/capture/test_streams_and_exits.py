"""`record` in a process whose streams are closed, or that exits in the midst of a block."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.capture.stores import only
from tests.number_of_tries import some

ROOT = str(Path(__file__).parents[2])
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from backtest_store import record
from tests.capture.backtests import backtest

made = backtest([100, 110, 120], {{0: 10, 1: -10}}, log_level={log_level!r})

def generator():
    with record(made):
        made.run()
        yield

alive = generator()
next(alive)
{more}
"""


def run(
    store: str, more: str, log_level: str, closed: str = ""
) -> "subprocess.CompletedProcess[str]":
    script = SCRIPT.format(root=ROOT, more=more, log_level=log_level)
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
    )


def test_generator_that_is_alive_at_exit_costs_nothing(store: str) -> None:
    script = SCRIPT.format(root=ROOT, more="print('the end')", log_level="OFF")
    ran = forked.run([sys.executable, "-c", script])
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "the end\n", "")
    assert only(store)["status"] == "success"


@pytest.mark.parametrize("closed", some([">&- 2>&-", ">&-", "<&- >&- 2>&-"], ">&-", "<&- >&- 2>&-"))
def test_engine_logs_into_a_closed_stream_and_nothing_of_ours(store: str, closed: str) -> None:
    ran = run(store, "alive.close()", "INFO", closed)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert only(store)["status"] == "success"
