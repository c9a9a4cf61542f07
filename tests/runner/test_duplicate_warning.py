"""Under `record`, a backtest that repeats a stored one is told of; a changed one is not."""

import asyncio
import sys

import pytest

from backtest_store.saving import save
from backtest_store.saving.background_saver import Saver
from tests import forked
from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures
from tests.waiting import LONG

SCRIPT = """
import sys
from backtest_store import record
from tests.runner.conftest import prepare
from backtest_store.runner.config.loading import parse_config

def run(fast_period):
    content = {
        "strategy": "sma_crossover",
        "parameters": {"fast_period": fast_period, "slow_period": 20, "equity_fraction": 0.9},
        "data": {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-06-30"},
    }
    engine = prepare(parse_config(content, origin="script")).engine
    with record(engine):
        engine.run()
    engine.dispose()
"""
# How long the exit waits for what is looked up: a busy machine takes more than 1 s.
PATIENT = """
from backtest_store.saving import background_saver
background_saver.LITTLE_PATIENCE, background_saver.LONGEST_EXIT = 60, 61
"""


async def all_told(saver: Saver) -> None:
    while saver._looks:
        await asyncio.wait(set(saver._looks))


def told(fast_period: int, capfd: pytest.CaptureFixture[str]) -> str:
    """Record a run in this process, and return what is said of it in the background."""
    names: dict[str, object] = {}
    exec(SCRIPT + f"run({fast_period})", names)  # noqa: S102 - as the script does
    saver = save._process.saver()
    asyncio.run_coroutine_threadsafe(all_told(saver), saver._loop).result(LONG)
    return capfd.readouterr().err


def run_as_script() -> tuple[str, str]:
    command = [sys.executable, "-c", PATIENT + SCRIPT + "run(3)"]
    done = forked.run(command, check=True)
    return done.stdout, done.stderr


def test_a_repeated_backtest_is_told_of_and_saved_all_the_same(
    store: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # In processes of its own: what this one runs is the code of pytest, too.
    assert run_as_script() == ("", "")
    (first,) = stored(store)
    assert told(4, capfd) == ""
    out, err = run_as_script()
    assert out == ""
    (line,) = err.splitlines()  # though the process ended at once
    assert f"duplicates {first['run_id']}" in line
    assert len(stored(store)) == 3
