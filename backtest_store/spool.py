"""Durable local files for the runs that the database could not take, and their way into it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from backtest_store import durable, queries
from backtest_store.errors import StoreError
from backtest_store.log import get_logger

if TYPE_CHECKING:
    from backtest_store.sql import Db

FORMAT = 1
LARGEST = 2**30 - 1  # bytes; PostgreSQL takes no larger parameter
FOLDERS = ("aside", "newer", "rejected")
UNFINISHED = re.compile(r"\.(.+\.json)\.\w+\.tmp", re.DOTALL)
Outcome = Literal["saved", "already_there", "set_aside", "rejected", "left"]


@dataclass
class Counts:
    """What became of the runs that were waiting, and how many wait still."""

    saved: int = 0
    already_there: int = 0
    set_aside: int = 0
    rejected: int = 0
    left: int = 0

    def count(self, outcome: Outcome | None) -> None:
        """Count one more; none is one that another process saved."""
        if outcome is not None:
            setattr(self, outcome, getattr(self, outcome) + 1)


class NotReadableError(Exception):
    """A file holds no run that this version can pass on; it is to be kept in `folder`."""

    def __init__(self, reason: str, folder: str = "aside") -> None:
        super().__init__(reason)
        self.folder = folder


class UnavailableError(Exception):
    """A waiting run is not to be had, and this is what became of it."""

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
    durable.release(durable.write_whole(path, _content(record)))
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
        If the database went away; all that was not saved is still in the spool.
    """
    counts = Counts()
    durable.require_ours(home)
    recover(home)
    for path in waiting(home):
        counts.count(await _settle(db, path))
    return counts


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
    for path in folder.glob(f".{run_id}.json.*.tmp" if run_id else ".*.tmp"):
        with suppress(UnavailableError, OSError, StoreError), ExitStack() as claim:
            if path.lstat().st_size:  # else its writer may be just about to lock it
                _claim(claim, path)
                _into_place(path)
    for path in _visible(folder / "newer"):
        with suppress(*NOT_NOW), durable.claimed(path) as file:
            _record(file)
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


def _clear_away(path: Path, refusal: str, *, is_new: bool) -> Outcome:
    try:
        if refusal:
            kept = reject(path, refusal)
            get_logger().warning(f"the database refuses a run for good: {refusal}", file=kept)
            return "rejected"
        path.unlink(missing_ok=True)
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot clear up the spool: {error}", file=path)
        return "left"
    return "saved" if is_new else "already_there"


async def _insert(db: Db, record: str) -> tuple[str, bool]:
    """Insert a run; return why it is refused for good, if it is, and whether it is new."""
    from backtest_store.database.failures import Failure, meaning

    try:
        return "", bool(await queries.insert_run(db, record=record))
    except Exception as error:
        if meaning(error) is not Failure.REJECTED:
            raise
        return str(error), False


def _claim(claim: ExitStack, path: Path) -> str:
    """Return the run that a file holds, and keep others off it while the claim lasts."""
    try:
        return _record(claim.enter_context(durable.claimed(path)))
    except FileNotFoundError:
        raise UnavailableError(None) from None
    except BlockingIOError:
        raise UnavailableError("left") from None
    except (NotReadableError, durable.NotOursError) as error:
        folder = error.folder if isinstance(error, NotReadableError) else "aside"
        raise UnavailableError(_set_aside(path, folder, str(error))) from error
    except OSError as error:
        get_logger().warning(f"cannot read a file of the spool: {error}")
        raise UnavailableError("left") from error


def _set_aside(path: Path, folder: str, reason: str) -> Outcome | None:
    try:
        kept = durable.move(path, path.parent / folder)
    except FileNotFoundError:
        return None
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot set aside a file of the spool, {reason}: {error}", file=path)
        return "left"
    get_logger().warning(f"set aside a file of the spool: {reason}", file=kept)
    return "set_aside"


def _content(record: str) -> bytes:
    """Write a header and the run, a line each; the run goes to the database as it stands here."""
    body = record.encode()
    header = {"format": FORMAT, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(header).encode() + b"\n" + body + b"\n"


def _record(file: int) -> str:
    """Return the run that a file holds."""
    if os.fstat(file).st_size > LARGEST:
        raise NotReadableError("it is larger than PostgreSQL takes")
    header, _, rest = durable.read(file).partition(b"\n")
    body = rest.removesuffix(b"\n")
    if _digest(header) != hashlib.sha256(body).hexdigest():
        raise NotReadableError("it is torn: its content is not what was written")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise NotReadableError("it is no file of btstore's") from None


def _digest(header: bytes) -> str:
    """Return the checksum that a header names."""
    with suppress(ValueError, RecursionError):
        match json.loads(header):
            case {"format": int(found)} if found > FORMAT:
                raise NotReadableError("a newer version of btstore wrote it; upgrade", "newer")
            case {"format": int(found), "sha256": str(digest)} if found == FORMAT:
                return digest
    raise NotReadableError("it is torn, or no file of btstore's")


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
