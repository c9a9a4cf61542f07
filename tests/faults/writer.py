"""A process that runs backtests, as far as the store can tell, and notes what it was told."""

import os
import signal
import sys
import time
from pathlib import Path
from uuid import uuid4

from backtest_store.saving import crash_journal, save
from tests.faults.runs import a_run, a_start


def note(log: Path, event: str, run_id: object) -> None:
    """Append a line in one write: it is there whole or not at all, whatever kills the process."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{event} {run_id}\n".encode())
    os.close(file)


def attempt(log: Path) -> bool:
    """Start a run, finish it, save it."""
    run = a_run(data_source=str(uuid4()))  # tells a run stored twice, whatever its id
    begun = a_start(run)
    entry = crash_journal.open_entry(begun)
    note(log, "started", run.run_id)
    is_saved = save.save_record(run, entry)
    note(log, "saved" if is_saved else "spooled", run.run_id)
    return is_saved


def write(log: Path, environment: dict[str, str], runs: int, pause: float) -> None:
    """Attempt so many runs, or go on until told to stop."""
    os.environ.update(environment)
    is_over = False

    def stop(*_: object) -> None:
        nonlocal is_over
        is_over = True

    signal.signal(signal.SIGTERM, stop)
    while runs and not is_over:
        attempt(log)
        runs -= 1
        if pause:
            time.sleep(pause)


if __name__ == "__main__":
    write(Path(sys.argv[1]), {}, runs=-1, pause=0.0)
