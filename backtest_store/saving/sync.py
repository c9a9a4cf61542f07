"""Bring what waits in the spool into its store, once each; what cannot be saved blocks nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backtest_store.errors import StoreError
from backtest_store.log import get_logger
from backtest_store.runs.json_line_faults import fault_of
from backtest_store.saving import crash_journal, durable_files, run_file_format, spool
from backtest_store.saving.run_file_format import NewerFormatError, NotReadableError
from backtest_store.store import queries
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from backtest_store.store.sql import Db

GIVE_UP_AFTER = 3  # failures of the database in a row
MOST_AT_ONCE = 50  # runs, each of which holds a descriptor meanwhile
LARGEST_AT_ONCE = 2**24  # bytes
LONGEST_CLAIM = 60.0  # seconds that a save may take of what waits


async def delete_runs(db: Db, run_ids: Sequence[UUID]) -> list[UUID]:
    """Delete runs for good, and return the ids of those that were there.

    What is left of them on disk goes first: else a sync would bring them back. Raises StoreError if
    another process keeps at one for longer than it may take; then none of them is deleted.
    """
    await _clear_away(Settings.from_environment().home, run_ids)
    return await queries.delete_runs(db, run_ids=run_ids)


async def _clear_away(home: Path, run_ids: Sequence[UUID]) -> None:
    """Leave nothing of runs on disk."""
    for run_id in run_ids:
        with suppress(OSError):  # first, as a dead run's note becomes a file of the spool
            crash_journal.path_of(home, run_id).unlink(missing_ok=True)
    left = [spool.path_of(home, run_id) for run_id in run_ids]
    patience = time.monotonic() + LONGEST_CLAIM
    while left := [path for path in left if not _is_removed(path)]:
        if time.monotonic() > patience:
            raise StoreError(
                f"another process is still saving a run that is to be deleted: {left[0].stem}",
                hint="nothing is deleted; end that process, or try again later",
            )
        await asyncio.sleep(0.05)


def _is_removed(path: Path) -> bool:
    """Delete a file of the spool, unless a process is just bringing its run into the store."""
    try:
        with durable_files.claimed(path):
            path.unlink()
    except BlockingIOError:
        return False
    except (OSError, durable_files.NotOursError):  # mostly, there is none
        return True
    return True


@dataclass
class Counts:
    """What became of the runs that were waiting, and how many wait still."""

    saved: int = 0
    already_there: int = 0
    set_aside: int = 0
    rejected: int = 0
    left: int = 0
    """Meant for this store."""
    elsewhere: int = 0
    """Meant for another store."""


@dataclass(frozen=True)
class Waiting:
    """A file that no other process is busy with, and the run in it."""

    path: Path
    record: str


async def sync_spool(db: Db, home: Path, store: str | None) -> Counts:
    """Save what waits for a store, or for any; what cannot be saved is kept, and blocks nothing.

    Any number of processes may do so at once. Raises what the database does if it takes nothing at
    all, when the runs are still in the spool, and StoreError if the home is not this user's alone.
    """
    durable_files.require_ours(home)
    spool.recover(home)
    counts = Counts()
    trouble = await _save_all(db, home, store, counts)
    counts.left = max(len(spool.waiting(home)) - counts.elsewhere, 0)
    if trouble is not None:
        if not (counts.saved or counts.already_there or counts.rejected or counts.set_aside):
            raise trouble
        still = "1 run is" if counts.left == 1 else f"{counts.left} runs are"
        get_logger().warning(f"{still} still waiting: {trouble}")
    return counts


async def _save_all(db: Db, home: Path, store: str | None, counts: Counts) -> Exception | None:
    """Save what waits, until the database fails again and again; return the last failure."""
    trouble, in_vain = None, 0
    for paths in _in_parts(spool.waiting(home)):
        with ExitStack() as claims:
            runs = [run for path in paths if (run := _claim(claims, path, store, counts))]
            try:
                await _save(db, runs, counts)
                continue
            except Exception as error:  # noqa: BLE001 - it may be one run that is too much
                get_logger().info(
                    f"the database refused runs together, so each is saved by itself: {error}"
                )
            for run in runs:
                try:
                    await _save(db, [run], counts)
                    in_vain = 0
                except Exception as error:  # noqa: BLE001 - as above
                    trouble = error
                    in_vain += 1
                    _let_others_go_first(run.path)
                if in_vain == GIVE_UP_AFTER:
                    return trouble
    return trouble


async def _save(db: Db, runs: list[Waiting], counts: Counts) -> None:
    """Save runs together and clear their files away; one alone may be rejected for good."""
    from backtest_store.store.connecting.sqlstate_classes import Failure, meaning

    if not runs:
        return
    try:
        new = await queries.insert_runs(db, records=[run.record for run in runs])
    except Exception as error:
        if meaning(error) is not Failure.REJECTED or len(runs) > 1:
            raise
        _reject(runs[0], str(error), counts)
        return
    counts.saved += len(new)
    counts.already_there += len(runs) - len(new)
    for run in runs:
        try:
            run.path.unlink(missing_ok=True)
        except OSError as error:
            get_logger().warning(f"cannot clear up the spool: {error}", file=run.path)


def _in_parts(paths: list[Path]) -> Iterator[list[Path]]:
    """Divide files into as many as are saved at once."""
    part: list[Path] = []
    size = 0
    for path in paths:
        part.append(path)
        with suppress(OSError):
            size += path.lstat().st_size
        if len(part) == MOST_AT_ONCE or size > LARGEST_AT_ONCE:
            yield part
            part, size = [], 0
    yield part


def _claim(claims: ExitStack, path: Path, store: str | None, counts: Counts) -> Waiting | None:
    """Return the run of a file, and keep others off it as long as the claims last."""
    try:
        run = run_file_format.read(claims.enter_context(durable_files.claimed(path)))
    except (FileNotFoundError, BlockingIOError, NewerFormatError):
        return None  # another process saves it, or did; or a newer version will
    except (NotReadableError, durable_files.NotOursError) as error:
        counts.set_aside += spool.set_aside(path.parent.parent, path, str(error))
        return None
    except OSError as error:
        if error.errno not in durable_files.NO_DESCRIPTORS:
            get_logger().warning(f"cannot read a file of the spool: {error}")
        return None
    if store is not None and run.store != store:
        counts.elsewhere += 1
        return None
    waiting_run = Waiting(path, run.record)
    if fault := fault_of(run.record):
        _reject(waiting_run, fault, counts)
        return None
    return waiting_run


def _reject(run: Waiting, reason: str, counts: Counts) -> None:
    try:
        kept = spool.reject(run.path, reason)
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot clear up the spool: {error}", file=run.path)
        return
    counts.rejected += 1
    spool.warn_of_rejected(run.path.stem, reason, kept)


def _let_others_go_first(path: Path) -> None:
    """Put a file at the end of the queue for the next time."""
    with suppress(OSError):
        os.utime(path, follow_symlinks=False)
