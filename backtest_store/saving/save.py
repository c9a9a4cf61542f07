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
from backtest_store.models import Record
from backtest_store.saving import crash_journal, durable_files, spool
from backtest_store.saving.unsaved_run import UnsavedRun, keep, unsaved, unsaved_somehow
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from backtest_store.saving.background_saver import Saver
    from backtest_store.saving.sync import Counts

LONGEST_SAVE = 7.0  # seconds; the database has 5 of them, the rest is for the disk
LONGEST_SYNC = 60.0  # seconds, of a single run: it may be a large one


def save_record(record: Record, entry: crash_journal.Entry | None = None) -> bool:
    """Save a run from any thread of any process; say whether the database has it.

    It gives the database 5 seconds, in all, and else leaves the run in the spool, which one line on
    standard error says. Never raises but on Ctrl-C, when the run is spooled first. Its note in the
    journal is closed as soon as the run is in the database or on disk.
    """
    entry = entry or crash_journal.Entry()
    run = None
    try:
        run, saving = _begin(record, entry)
        try:
            return saving.result(LONGEST_SAVE)
        finally:
            saving.cancel()
    except Exception as error:  # noqa: BLE001 - no thread to be had, a wrong environment …
        _keep(run, record, entry, error)
        return False
    except BaseException as error:
        _keep(run, record, entry, error)
        raise


async def save_record_async(record: Record, entry: crash_journal.Entry | None = None) -> bool:
    """Do as `save_record` does, letting the event loop go on meanwhile.

    If the task is cancelled, the run goes to the spool unless the database has it already.
    """
    entry = entry or crash_journal.Entry()
    run = None
    try:
        try:  # in a thread, as what it loads at first would hold the loop up
            run, saving = await asyncio.to_thread(_begin, record, entry)
        except RuntimeError:  # the loop's threads are shut down already
            run, saving = _begin(record, entry)
        return await asyncio.wait_for(asyncio.wrap_future(saving), LONGEST_SAVE)
    except Exception as error:  # noqa: BLE001 - as above
        _keep(run, record, entry, error)
        return False
    except BaseException as error:
        _keep(run, record, entry, error)
        raise


def take_early() -> None:
    """Take now what a save needs at the end of a backtest: modules, a thread, descriptors.

    Raises OSError, RuntimeError or ImportError if the process can have no more of them.
    """
    get_logger()
    _process.saver()
    durable_files.reserve_descriptors()


def prepare() -> None:
    """Have the embedded server running by the time that a run is to be saved. Never raises.

    It returns at once; a shared server is not bothered before there is something to save.
    """
    with suppress(Exception):
        _process.saver().prepare(Settings.from_environment())


def warn_if_repeated(record: Record) -> None:
    """Have it said, in the background, if a run just saved repeats a stored one."""
    with suppress(Exception):
        _process.saver().warn_if_repeated(record, Settings.from_environment())


async def save_waiting(to: Settings, *, of_any_store: bool = False, collect: bool = True) -> Counts:
    """Save what waits for a store, or for any; runs whose process died are collected first.

    Through a pool of its own, so that a server that takes writes is chosen even if the URL prefers
    a standby, and none is asked if nothing waits. Raises StoreError if the database cannot be
    reached, or the home is not this user's alone; what was not saved is still in the spool.
    """
    from backtest_store.saving.pool import StorePool
    from backtest_store.saving.sync import sync_spool

    if collect:
        crash_journal.collect(to.home)
    pool = StorePool(to, patience=LONGEST_SYNC)
    try:
        return await sync_spool(pool, to.home, None if of_any_store else to.store_name)
    finally:
        pool.close()


def has_leftovers(home: Path) -> bool:
    """Say, in microseconds, whether `sync` might find something to do."""
    return bool(spool.waiting(home) or crash_journal.entries(home))


def _begin(record: Record, entry: crash_journal.Entry) -> tuple[UnsavedRun, Future[bool]]:
    run = unsaved(record, entry)
    return run, _process.saver().save(run)


def _keep(
    run: UnsavedRun | None, record: Record, entry: crash_journal.Entry, failure: BaseException
) -> None:
    """Spool a run from this thread, when there is no other. Never raises."""
    try:
        keep(run or unsaved_somehow(record, entry), failure)
    except Exception as error:  # noqa: BLE001 - there is nowhere left to put it
        get_logger().error(f"a run is lost: {failure}; and the spool: {error}", run=record.run_id)


def describe_waiting(here: Settings) -> dict[str, str]:
    """Return what waits on this disk, by what for: nothing of it is in a store."""
    facts = {}
    for store, runs in spool.stores_waited_for(here.home).items():
        if store == here.store_name:
            facts["waiting"] = f"{runs:,}: btstore sync"
        else:
            facts[f"waiting for {store or 'a store that was not known'}"] = f"{runs:,}"
    if rejected := len(list((spool.folder_of(here.home) / "rejected").glob("*.json"))):
        facts["rejected"] = f"{rejected:,} in {spool.folder_of(here.home) / 'rejected'}"
    for host, runs in crash_journal.elsewhere(here.home).items():
        facts[f"begun on {host}"] = f"{runs:,}; if it is no more: btstore sync --abandoned"
    return facts


class _Process:
    """What one process saves with; a forked one begins anew."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may save, too
        self._saver: Saver | None = None
        self._parents: list[Saver | None] = []
        self._is_over = False

    def saver(self) -> Saver:
        """Return the saver, started if need be, or raise what keeps it from starting."""
        with self._lock:
            if self._is_over:
                raise RuntimeError("the process is exiting")
            if self._saver is None or not self._saver.is_alive():
                from backtest_store.saving.background_saver import Saver

                self._saver = Saver()
                self._close_with_a_worker_process()
            return self._saver

    def close(self) -> None:
        """Finish what is under way as the process exits."""
        self._is_over = True
        if self._saver is not None and self._saver.is_alive():
            with suppress(RuntimeError):
                self._saver.close()

    def start_anew(self) -> None:
        """Leave the parent's thread alone after a fork; its sockets are the parent's, too."""
        self._parents.append(self._saver)  # destroying it would disturb the loop that both share
        self._saver = None
        self._lock = threading.RLock()

    def _close_with_a_worker_process(self) -> None:
        """See to it that a multiprocessing worker closes, too: it skips its exit functions."""
        multiprocessing = sys.modules.get("multiprocessing")
        if multiprocessing is not None and multiprocessing.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self.close, exitpriority=0)


_process = _Process()
atexit.register(_process.close)
os.register_at_fork(after_in_child=_process.start_anew)
