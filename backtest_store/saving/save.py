"""Save a captured run from wherever it was made, and never lose it.

All saves of a process go through one background thread with one pool, so that they work in a
plain script, inside a running event loop, in threads and in forked workers alike.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from backtest_store.log import get_logger
from backtest_store.saving import journal, spool
from backtest_store.saving.unsaved import Pending, put_by, unsaved, unsaved_somehow
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from backtest_store.models import Record
    from backtest_store.saving.worker import Worker
    from backtest_store.store.sql import Db

__all__ = ["has_leftovers", "prepare", "save", "save_async", "save_leftovers", "sync"]

LONGEST_SAVE = 7.0  # seconds; the database has 5 of them, the rest is for the disk
LONGEST_SYNC = 60.0  # seconds, of a single run: it may be a large one
_lock = threading.RLock()  # a signal handler may save, too
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
    except Exception as error:  # noqa: BLE001 - no thread to be had, a wrong environment …
        _put_by(record, entry, error)
        return False


async def save_async(record: Record, entry: journal.Entry | None = None) -> bool:
    """Do as `save` does, letting the event loop go on meanwhile.

    If the task is cancelled, the run goes to the spool unless the database has it already.

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
    begun = threading.Event()

    def begin() -> bool:
        begun.set()
        return save(record, entry)

    try:
        return await asyncio.to_thread(begin)
    except RuntimeError:  # the loop's threads are shut down already
        return save(record, entry)
    except asyncio.CancelledError as error:
        if begun.is_set():
            _hurry(record)
        else:  # nor will it be: its place in the queue was cancelled, too
            _put_by(record, entry or journal.Entry(), error)
        raise


def prepare() -> None:
    """Have the embedded server running by the time that a run is to be saved. Never raises.

    It returns at once; a shared server is not bothered before there is something to save.
    """
    with suppress(Exception):
        _the_worker().prepare(Settings.from_environment())


def warn_if_repeated(record: Record) -> None:
    """Have it said, in the background, if a run just saved repeats a stored one."""
    from backtest_store.store.settings import Settings

    with suppress(Exception):
        _the_worker().warn_if_repeated(record, Settings.from_environment())


async def sync(db: Db, home: Path) -> spool.Counts:
    """Save what waits in the spool, runs whose process died included.

    Parameters
    ----------
    db : Db
        A connection or pool of a store that takes writes.
    home : Path
        `Settings.home`.

    Returns
    -------
    spool.Counts
        What became of the runs.

    Raises
    ------
    StoreError
        If the home is not this user's alone.
    StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError
        If the database went away; all that was not saved is still in the spool.
    """
    journal.collect(home)
    return await spool.sync(db, home)


async def save_leftovers(settings: Settings) -> spool.Counts:
    """Do as `sync` does, through a pool of its own.

    So a server that takes writes is chosen even if the URL prefers a standby, and none is asked
    if nothing waits.

    Parameters
    ----------
    settings : Settings
        Where the store is.

    Returns
    -------
    spool.Counts
        What became of the runs.

    Raises
    ------
    StoreError
        If the database cannot be reached, or the home is not this user's alone; all that was
        not saved is still in the spool.
    """
    from backtest_store.saving.pool import StorePool

    pool = StorePool(settings, patience=LONGEST_SYNC)
    try:
        return await sync(pool, settings.home)
    finally:
        pool.close()


def has_leftovers(home: Path) -> bool:
    """Say, in microseconds, whether `sync` might find something to do."""
    return bool(spool.waiting(home) or journal.entries(home))


def _save(record: Record, entry: journal.Entry) -> bool:
    pending: Pending | None = None
    try:
        pending = _the_worker().submit(unsaved(record, entry))
        return pending.wait(LONGEST_SAVE)
    except (KeyboardInterrupt, SystemExit) as error:
        if pending is None:
            _put_by(record, entry, error)
        else:
            _hurry(record)
            with suppress(Exception):
                pending.wait(LONGEST_SAVE)
        raise


def _hurry(record: Record) -> None:
    """Have a run that is under way spooled now."""
    with suppress(RuntimeError):
        _the_worker().hurry(record.run_id)


def _put_by(record: Record, entry: journal.Entry, failure: BaseException) -> None:
    """Spool a run from this thread, when there is no other. Never raises."""
    try:
        put_by(unsaved_somehow(record, entry), failure)
    except Exception as error:  # noqa: BLE001 - there is nowhere left to put it
        get_logger().error(f"a run is lost: {failure}; and the spool: {error}", run=record.run_id)


def _the_worker() -> Worker:
    """Return the thread of this process, started if need be."""
    global _worker  # noqa: PLW0603 - there is one a process
    with _lock:
        if _is_over:
            raise RuntimeError("the process is exiting")
        if _worker is None or not _worker.is_alive():
            from backtest_store.saving.worker import Worker

            _worker = Worker()
            _close_with_a_worker_process()
        return _worker


def _close_with_a_worker_process() -> None:
    """See to it that a multiprocessing worker closes, too: it skips its exit functions."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _close, exitpriority=0)


def _close() -> None:
    """Finish what is under way as the process exits."""
    global _is_over  # noqa: PLW0603 - as above
    _is_over = True
    if _worker is not None and _worker.is_alive():
        with suppress(RuntimeError):
            _worker.close()


def _start_anew() -> None:
    """Leave the parent's thread alone in a forked process; its sockets are the parent's, too."""
    global _worker, _lock  # noqa: PLW0603 - as above
    _left_behind.append(_worker)  # destroying it would disturb the loop that both share
    _worker = None
    _lock = threading.RLock()


atexit.register(_close)
os.register_at_fork(after_in_child=_start_anew)
