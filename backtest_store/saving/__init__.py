"""Save a captured run from wherever it was made, and never lose it.

All saves of a process go through one background thread with one pool, so that they work in a
plain script, inside a running event loop, in threads and in forked workers alike.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from backtest_store import journal, spool
from backtest_store.log import get_logger
from backtest_store.saving.unsaved import put_by, unsaved, unsaved_somehow

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from backtest_store.models import Record
    from backtest_store.saving.worker import Worker
    from backtest_store.sql import Db

__all__ = ["has_leftovers", "save", "save_async", "sync"]

LONGEST_SAVE = 7.0  # seconds; the database has 5 of them, the rest is for the disk
_lock = threading.Lock()
_worker: Worker | None = None
_left_behind: list[Worker | None] = []
_is_over = False


def save(record: Record, entry: journal.Entry | None = None) -> bool:
    """Save a run from any thread of any process; if the database cannot take it, spool it.

    It gives the database 5 seconds, in all, and never raises but on Ctrl-C, when the run is
    spooled first.

    Parameters
    ----------
    record : Record
        The run.
    entry : journal.Entry, optional
        Its note in the journal; it is closed as soon as the run is in the database or on disk.

    Returns
    -------
    bool
        True if the database has it; False if it waits in the spool, which one line on standard
        error says.
    """
    entry = entry or journal.Entry()
    try:
        return _save(record, entry)
    except Exception as error:  # noqa: BLE001 - a backtest is never disturbed
        get_logger().error(f"a run is lost: {error}", run=record.run_id)
        return False


async def save_async(record: Record, entry: journal.Entry | None = None) -> bool:
    """Do as `save` does, letting the event loop go on meanwhile.

    If the task is cancelled, the run is saved all the same.

    Parameters
    ----------
    record : Record
        The run.
    entry : journal.Entry, optional
        Its note in the journal.

    Returns
    -------
    bool
        True if the database has it; False if it waits in the spool.
    """
    return await asyncio.to_thread(save, record, entry)


async def sync(db: Db, home: Path) -> spool.Counts:
    """Save what waits in the spool, runs whose process died included.

    Parameters
    ----------
    db : Db
        A connection or pool of the store.
    home : Path
        `Settings.home`.

    Returns
    -------
    spool.Counts
        What became of the runs.

    Raises
    ------
    StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError
        If the database went away; all that was not saved is still in the spool.
    """
    journal.collect(home)
    return await spool.sync(db, home)


def has_leftovers(home: Path) -> bool:
    """Say, in microseconds, whether `sync` might find something to do."""
    return bool(spool.waiting(home) or journal.entries(home))


def _save(record: Record, entry: journal.Entry) -> bool:
    future: Future[bool] | None = None
    try:
        future = _the_worker().submit(unsaved(record, entry))
        return future.result(LONGEST_SAVE)
    except Exception as error:  # noqa: BLE001 - no thread to be had, a wrong environment …
        put_by(unsaved_somehow(record, entry), error)
        return False
    except BaseException:
        if future is None:
            put_by(unsaved_somehow(record, entry), InterruptedError("interrupted"))
        else:
            _hurry(future)
        raise


def _hurry(future: Future[bool]) -> None:
    """Have a run spooled now, and wait for that."""
    with suppress(Exception):
        _the_worker().hurry()
        future.result(LONGEST_SAVE)


def _the_worker() -> Worker:
    """Return the thread of this process, started if need be."""
    global _worker  # noqa: PLW0603 - there is one a process
    with _lock:
        if _is_over:
            raise InterruptedError("the process is exiting")
        if _worker is None or not _worker.is_alive():
            from backtest_store.saving.worker import Worker

            _worker = Worker()
        return _worker


def _close() -> None:
    """Finish what is under way as the process exits."""
    global _is_over  # noqa: PLW0603 - as above
    _is_over = True
    if _worker is not None and _worker.is_alive():
        _worker.close()


def _start_anew() -> None:
    """Leave the parent's thread alone in a forked process; its sockets are the parent's, too."""
    global _worker, _lock  # noqa: PLW0603 - as above
    _left_behind.append(_worker)  # destroying it would disturb the loop that both share
    _worker = None
    _lock = threading.Lock()


atexit.register(_close)
os.register_at_fork(after_in_child=_start_anew)
