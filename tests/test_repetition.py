"""Under `record`, a backtest that repeats a stored one is told of; a changed one is not."""

import subprocess
import sys

from tests.capture.stores import shared_url, store, stored  # noqa: F401 - fixtures

SCRIPT = """
import sys
from backtest_store import record
from backtest_store.runner.config import parse_config
from backtest_store.runner.engine import prepare

content = {
    "strategy": "sma_crossover",
    "parameters": {"fast_period": sys.argv[1], "slow_period": 20, "equity_fraction": 0.9},
    "data": {"source": "sp500_daily", "start": "2005-01-01", "end": "2005-06-30"},
}
engine = prepare(parse_config(content, origin="script")).engine
with record(engine):
    engine.run()
"""


def recorded(fast_period: str) -> str:
    command = [sys.executable, "-c", SCRIPT, fast_period]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_a_repeated_backtest_is_told_of_and_saved_all_the_same(store: str) -> None:
    assert recorded("3") == ""
    (first,) = stored(store)
    (line,) = recorded("3").splitlines()
    assert f"an identical run is stored: {first['run_id']}" in line
    assert recorded("4") == ""
    assert len(stored(store)) == 3
