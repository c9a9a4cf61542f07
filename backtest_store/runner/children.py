"""Have the Python processes that a script starts do with their runs what their parent does.

What they need to know goes into the environment, and Python loads `startup/sitecustomize.py`
when they start.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from backtest_store.capture.error_boundary import fill_standard_streams
from backtest_store.capture.identity.process_start import start
from backtest_store.capture.process_recorder import ProcessRecorder
from backtest_store.capture.run_details import RunDetails
from backtest_store.models import Record, adapter, to_json
from backtest_store.saving import save

if TYPE_CHECKING:
    from backtest_store.saving.crash_journal import Entry

VARIABLE = "BTSTORE_EXEC"
STARTUP = str(Path(__file__).parent / "startup")


@dataclass(frozen=True)
class Orders:
    """What the processes of a script do with their runs."""

    said: dict[str, Any] = field(default_factory=dict)  # the `RunDetails` that go with each run
    tally: str = ""  # a file that gets the id of each saved run
    kept: str = ""  # a folder that gets the runs, which are not saved then; empty if they are
    started: dict[str, Any] = field(default_factory=dict)  # how the script was started


def record_everything(orders: Orders) -> ProcessRecorder:
    """Record every backtest of this process and of those that it starts."""
    os.environ[VARIABLE] = json.dumps(asdict(orders) | {"started": asdict(start)})
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [STARTUP, *(path for path in before if path and path != STARTUP)]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    return _record(orders)


def wait_for_threads() -> None:
    """Wait for the script's threads, as Python does, but while what they run can still be saved.

    Threads of a pool wait for work, until Python, as it exits, tells them that there is none.
    """
    pools = sys.modules.get("concurrent.futures.thread")
    pooled = [] if pools is None else list(pools._threads_queues)  # noqa: SLF001 - Python has no other
    for thread in threading.enumerate():
        if not (thread.daemon or thread in pooled or thread is threading.current_thread()):
            thread.join()


def follow() -> ProcessRecorder:
    """Do in this process as the script that started it does."""
    orders = Orders(**json.loads(os.environ[VARIABLE]))
    vars(start).update(orders.started)
    patch = _record(orders)
    atexit.register(patch.finish)
    return patch


def _record(orders: Orders) -> ProcessRecorder:
    from backtest_store.capture.engine_recorder import StoreSink

    fill_standard_streams()
    if orders.kept:
        save.save_record = _keeper(Path(orders.kept))
    elif orders.tally:
        save.save_record = _counter(save.save_record, orders.tally)
    patch = ProcessRecorder(RunDetails(**orders.said), StoreSink())
    patch.install()
    return patch


def _keeper(folder: Path) -> Callable[..., bool]:
    """Return a `save` that puts each run, once, into a folder."""

    def keep(record: Record, entry: Entry | None = None) -> bool:
        if entry is not None:
            entry.close()
        with suppress(FileExistsError), (folder / f"{record.run_id}.json").open("x") as file:
            file.write(to_json(record))
        return True

    return keep


def kept(folder: Path) -> list[Record]:
    """Return the runs that the processes of a script put into a folder, oldest first."""
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    return [adapter().validate_json(file.read_text()) for file in files]


def _counter(save: Callable[..., bool], tally: str) -> Callable[..., bool]:
    """Return a `save` that counts."""

    def counted(record: Record, entry: Entry | None = None) -> bool:
        is_saved = save(record, entry)
        with suppress(OSError):
            file = os.open(tally, os.O_WRONLY | os.O_APPEND)
            os.write(file, f"{record.run_id}\n".encode())
            os.close(file)
        return is_saved

    return counted


def counted(tally: Path) -> int:
    """Return how many runs the processes of a script have saved."""
    return len({UUID(line) for line in tally.read_text().split()})
