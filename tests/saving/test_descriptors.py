"""A process that runs out of descriptors goes on with its backtest, and is told what is not saved."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtest_store.saving import spool
from tests.faults.runs import stored

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, resource, sys
from backtest_store import record
from tests.capture.backtests import backtest

def exhaust(left):
    "Leave so many descriptors, numbers between those in use taken first."
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(64)]
    for file in taken[-8:]:
        os.close(file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken[:-8]) + 1 + left, 4096))

left, when = int(sys.argv[1]), sys.argv[2]
engine = backtest([100, 110, 105])
if when == "before":
    exhaust(left)
with record(engine) as run:
    if when == "within":
        exhaust(left)
    engine.run()
print(engine.iteration, engine.run_finished is not None)
"""


@pytest.mark.parametrize("left", [0, 1, 2, 3, 4, 6, 9])
@pytest.mark.parametrize("when", ["before", "within"])
def test_a_backtest_goes_on_without_descriptors(
    store_url: str, home: Path, when: str, left: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(left), when],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "3 True\n"), done.stderr
    assert "Traceback" not in done.stderr
    kept = len(stored(store_url)) + len(spool.waiting(home)) + len(list(home.glob("journal/*")))
    assert kept or "btstore: " in done.stderr, "neither kept nor told"
