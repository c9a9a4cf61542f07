"""A process that runs out of descriptors goes on with its backtest, and is told what is not saved."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from backtest_store.saving import spool
from tests.number_of_tries import some

ROOT = Path(__file__).parents[2]
LEFT = some((0, 1, 2, 3, 4, 6, 9), 0, 1, 2, 3, 6)
SCRIPT = """
import os, resource, sys
from pathlib import Path
from backtest_store import record
from tests.capture.backtests import backtest

def exhaust(left):
    "Leave so many descriptors, numbers between those in use taken first."
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(64)]
    for file in taken[-8:]:
        os.close(file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken[:-8]) + 1 + left, 4096))

def work(left, when):
    engine = backtest([100, 110, 105])
    if when == "before":
        exhaust(left)
    with record(engine, strategy_name=str(left)) as run:
        if when == "within":
            exhaust(left)
        engine.run()
    print(engine.iteration, engine.run_finished is not None)

when, place = sys.argv[1], Path(sys.argv[2])
for left in map(int, sys.argv[3:]):
    if os.fork():
        continue
    os.environ["BTSTORE_HOME"] = str(place / str(left) / "home")
    for number, name in (1, "out"), (2, "err"):
        os.dup2(os.open(place / str(left) / name, os.O_WRONLY | os.O_CREAT), number)
    os.closerange(3, 64)
    work(left, when)
    sys.exit()
print(*(os.waitstatus_to_exitcode(os.wait()[1]) for _ in sys.argv[3:]))
"""


@pytest.mark.parametrize("when", ["before", "within"])
def test_a_backtest_goes_on_without_descriptors(store_url: str, tmp_path: Path, when: str) -> None:
    """In forks of a process that has imported what a script does, and nothing that we need."""
    for left in LEFT:
        (tmp_path / str(left)).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, when, tmp_path, *map(str, LEFT)],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout.split() == ["0"] * len(LEFT), done.stderr
    with psycopg.connect(store_url) as connection:
        saved = [name for (name,) in connection.execute("SELECT strategy_name FROM backtest_runs")]
    for left in LEFT:
        place = tmp_path / str(left)
        home, said = place / "home", (place / "err").read_text()
        assert (place / "out").read_text() == "3 True\n", (left, said)
        assert "Traceback" not in said
        is_kept = bool(spool.waiting(home)) or str(left) in saved
        # What a save needs was taken as the block began, if there was any to be had then.
        assert is_kept or (when == "before" and "btstore: " in said), f"{left}: lost, {said}"
