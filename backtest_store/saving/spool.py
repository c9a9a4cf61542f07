"""Durable local files for the runs that the database could not take, and their way into it."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.log import get_logger
from backtest_store.saving import files as durable
from backtest_store.saving.envelope import NotReadableError, sealed, unsealed
from backtest_store.store import queries

if TYPE_CHECKING:
    from backtest_store.store.sql import Db

GIVE_UP_AFTER = 3  # failures of the database in a row
FOLDERS = ("aside", "newer", "rejected")
UNFINISHED = re.compile(r"\.(.+\.json)\.\w+\.tmp", re.DOTALL)
Outcome = Literal["saved", "already_there", "set_aside", "rejected"]


@dataclass
class Counts:
    """What became of the runs that were waiting, and how many wait still."""

    saved: int = 0
    already_there: int = 0
    set_aside: int = 0
    rejected: int = 0
    left: int = 0

    def count(self, outcome: Outcome | None) -> None:
        """Count one more; none is one that waits still, or that another process saved."""
        if outcome is not None:
            setattr(self, outcome, getattr(self, outcome) + 1)


class UnavailableError(Exception):
    """A waiting run is not to be had, and this is what became of it, if anything did."""

    def __init__(self, outcome: Outcome | None) -> None:
        super().__init__(outcome)
        self.outcome = outcome


NOT_NOW = (OSError, StoreError, NotReadableError, durable.NotOursError)


def add(home: Path, run_id: UUID, record: str) -> Path:
    """Leave a run in the spool; when this returns, it outlasts a power cut.

    Parameters
    ----------
    home : Path
        `Settings.home`.
    run_id : UUID
        Its id.
    record : str
        The run as `models.to_json` writes it.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If the disk is full or unwell.
    StoreError
        If the home is not this user's alone.
    """
    path = _path(home, run_id)
    durable.release(durable.write_whole(path, sealed(record)))
    return path


def reject(path: Path, reason: str) -> Path:
    """Put away a run that the database will never take, with the reason beside it."""
    folder = path.parent / "rejected"
    note = folder / f"{path.stem}.reason.txt"
    durable.release(durable.write_whole(note, f"{reason}\n".encode(errors="replace")))
    path.replace(folder / path.name)
    durable.flush_folder(folder)
    durable.flush_folder(path.parent)
    return folder / path.name


def holds(home: Path, run_id: UUID) -> bool:
    """Say whether a run waits in the spool or was rejected."""
    path = _path(home, run_id)
    return path.exists() or (path.parent / "rejected" / path.name).exists()


def folder_of(home: Path) -> Path:
    """Return the spool of a home."""
    return home / "spool"


def waiting(home: Path) -> list[Path]:
    """List what waits in the spool, oldest first."""
    return sorted(_visible(folder_of(home)), key=_age)


async def sync(db: Db, home: Path) -> Counts:
    """Save what waits in the spool; what cannot be saved is kept, and blocks nothing.

    Any number of processes may do so at once.

    Parameters
    ----------
    db : Db
        A connection or pool of the store.
    home : Path
        `Settings.home`.

    Returns
    -------
    Counts
        What became of the runs.

    Raises
    ------
    StoreError
        If the home is not this user's alone.
    StoreError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError
        If the database takes nothing at all; the runs are still in the spool.
    """
    counts = Counts()
    durable.require_ours(home)
    recover(home)
    trouble = await _settle_all(db, home, counts)
    counts.left = len(waiting(home))
    if trouble is not None:
        if counts == Counts(left=counts.left):
            raise trouble
        still = "1 run is" if counts.left == 1 else f"{counts.left} runs are"
        get_logger().warning(f"{still} still waiting: {trouble}")
    return counts


async def _settle_all(db: Db, home: Path, counts: Counts) -> Exception | None:
    """Save what waits, until the database fails again and again; return the last failure."""
    trouble = None
    in_vain = 0
    for path in waiting(home):
        try:
            counts.count(await _settle(db, path))
            in_vain = 0
        except Exception as error:  # noqa: BLE001 - it may be this run alone that is too much
            trouble = error
            in_vain += 1
            _queue_up_again(path)
        if in_vain == GIVE_UP_AFTER:
            break
    return trouble


def _queue_up_again(path: Path) -> None:
    """Let the others go first the next time."""
    with suppress(OSError):
        os.utime(path, follow_symlinks=False)


def recover(home: Path, run_id: UUID | None = None) -> None:
    """Take up what a process was writing when it died: put it in its place, or aside if torn.

    Parameters
    ----------
    home : Path
        `Settings.home`.
    run_id : UUID, optional
        The only run to do so for.
    """
    folder = folder_of(home)
    for path in folder.glob(f".{run_id}.json.*.tmp" if run_id else durable.TEMPORARY):
        with suppress(UnavailableError, OSError, StoreError), ExitStack() as claim:
            if path.lstat().st_size:  # else its writer may be just about to lock it
                _claim(claim, path)
                _into_place(path)
    for path in _visible(folder / "newer"):
        with suppress(*NOT_NOW), durable.claimed(path) as file:
            unsealed(file)
            durable.move(path, folder)


def _into_place(path: Path) -> None:
    named = UNFINISHED.fullmatch(path.name)
    final = path.with_name(named[1]) if named else path
    if final.exists():
        durable.move(path, path.parent / "aside")
    else:
        path.rename(final)
        durable.flush_folder(path.parent)


async def _settle(db: Db, path: Path) -> Outcome | None:
    """Save one waiting run and clear it away."""
    with ExitStack() as claim:
        try:
            record = _claim(claim, path)
        except UnavailableError as error:
            return error.outcome
        refusal, is_new = await _insert(db, record)
        return _clear_away(path, refusal, is_new=is_new)


def _clear_away(path: Path, refusal: str, *, is_new: bool) -> Outcome | None:
    try:
        if refusal:
            kept = reject(path, refusal)
            get_logger().warning(f"the database refuses a run for good: {refusal}", file=kept)
            return "rejected"
        path.unlink(missing_ok=True)
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot clear up the spool: {error}", file=path)
        return None
    return "saved" if is_new else "already_there"


async def _insert(db: Db, record: str) -> tuple[str, bool]:
    """Insert a run; return why it is refused for good, if it is, and whether it is new."""
    from backtest_store.store.failures import Failure, meaning

    try:
        return "", bool(await queries.insert_run(db, record=record))
    except Exception as error:
        if meaning(error) is not Failure.REJECTED:
            raise
        return str(error), False


def _claim(claim: ExitStack, path: Path) -> str:
    """Return the run that a file holds, and keep others off it while the claim lasts."""
    try:
        return unsealed(claim.enter_context(durable.claimed(path)))
    except (FileNotFoundError, BlockingIOError):  # another process saves it, or did
        raise UnavailableError(None) from None
    except (NotReadableError, durable.NotOursError) as error:
        folder = error.folder if isinstance(error, NotReadableError) else "aside"
        raise UnavailableError(_set_aside(path, folder, str(error))) from error
    except OSError as error:
        get_logger().warning(f"cannot read a file of the spool: {error}")
        raise UnavailableError(None) from error


def _set_aside(path: Path, folder: str, reason: str) -> Outcome | None:
    try:
        kept = durable.move(path, path.parent / folder)
    except FileNotFoundError:
        return None
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot set aside a file of the spool, {reason}: {error}", file=path)
        return None
    get_logger().warning(f"set aside a file of the spool: {reason}", file=kept)
    return "set_aside"


def _path(home: Path, run_id: UUID) -> Path:
    return folder_of(home) / f"{run_id}.json"


def _visible(folder: Path) -> list[Path]:
    """List a folder, without what is being written and what the system hides."""
    try:
        found = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for path in found if path.name[0] != "." and path.name not in FOLDERS]


def _age(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
