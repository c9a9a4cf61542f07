"""A note of each run that is under way, so that one whose process dies is not forgotten."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.log import get_logger
from backtest_store.models import Record, to_json
from backtest_store.saving import files as durable
from backtest_store.saving import spool
from backtest_store.store.settings import Settings

FORMAT = 1
DEAD = frozenset("ZX")
UNREADABLE = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
START_TIME = 19  # the field's place in /proc/PID/stat, counted from behind the command


@dataclass(frozen=True)
class Process:
    """A process, told apart from any other that ever had its id; what is unknown is empty."""

    pid: int
    start_time: str
    pid_namespace: str
    boot_id: str
    host: str

    @classmethod
    def current(cls) -> Process:
        """Return this process."""
        pid = os.getpid()
        return cls(pid, _start_time(pid), *_machine())

    def is_gone(self) -> bool:
        """Say whether it is proven that the process runs no more.

        Only asked once its file's lock is free, which on this machine is a proof by itself,
        except where a file system keeps no locks.
        """
        here = Process.current()
        if self.boot_id != here.boot_id:
            return self.host == here.host  # the machine was started anew
        if self.pid_namespace != here.pid_namespace:
            return bool(self.boot_id)  # in another container of this machine: the lock tells
        return _start_time(self.pid) != self.start_time or not _exists(self.pid)


class Entry:
    """The note of one run under way.

    Parameters
    ----------
    path : Path, optional
        Its file; without one the note could not be made, and nothing is to be done.
    file : int
        The descriptor that holds the file's lock as long as this process lives.
    """

    def __init__(self, path: Path | None = None, file: int = -1) -> None:
        self._path = path
        self._file = file
        self._pid = os.getpid()

    def close(self) -> None:
        """Remove the note: the run is in the database or in the spool. Never raises."""
        path, self._path = self._path, None
        if path is None or self._pid != os.getpid():  # a forked process must leave it alone
            return
        with suppress(OSError):
            path.unlink(missing_ok=True)
        _release(self._file)


_held: set[int] = set()


def open_entry(record: Record, home: Path | None = None) -> Entry:
    """Note that a run is about to start, with what is known of it. Never raises.

    Parameters
    ----------
    record : Record
        What is known before the start; it is what is saved, as `interrupted`, if the process
        dies.
    home : Path, optional
        `Settings.home`; else the environment's.

    Returns
    -------
    Entry
        To be closed when the run is in the database or in the spool.
    """
    try:
        path = _folder(home or Settings.from_environment().home) / f"{record.run_id}.json"
        note = {"format": FORMAT, "process": asdict(Process.current())}
        run = to_json(replace(record, status="interrupted"))
        file = durable.write_whole(path, f"{json.dumps(note)}\n{run}\n".encode())
    except Exception as error:  # noqa: BLE001 - a backtest goes on without it
        get_logger().warning(f"a run is lost if its process dies: no journal entry: {error}")
        return Entry()
    _held.add(file)
    return Entry(path, file)


def collect(home: Path) -> list[UUID]:
    """Put each run whose process is provably gone into the spool, as interrupted.

    Any number of processes may do so at once. A run still going is not touched.

    Parameters
    ----------
    home : Path
        `Settings.home`.

    Returns
    -------
    list[UUID]
        The runs that are in the spool now and were not before.

    Raises
    ------
    StoreError
        If the home is not this user's alone.
    """
    durable.require_ours(home)
    _sweep(home)
    return [run_id for path in entries(home) if (run_id := _collect(home, path))]


def entries(home: Path) -> list[Path]:
    """List the notes, of runs under way and of those whose process died."""
    return sorted(_folder(home).glob("*.json"))


def _sweep(home: Path) -> None:
    """Delete the notes of processes that died before they had written them: no run began."""
    for path in _folder(home).glob(durable.TEMPORARY):
        with suppress(OSError, durable.NotOursError):
            if path.lstat().st_size:  # else its writer may be just about to lock it
                with durable.claimed(path):
                    path.unlink()


def _collect(home: Path, path: Path) -> UUID | None:
    try:
        with suppress(BlockingIOError, FileNotFoundError), durable.claimed(path) as file:
            note, record = _parse(durable.read(file).decode())
            if note["format"] == FORMAT and Process(**note["process"]).is_gone():
                return _hand_over(home, path, record)
    except (*UNREADABLE, durable.NotOursError) as error:
        _set_aside(home, path, error)
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot collect an interrupted run: {error}", file=path)
    return None


def _hand_over(home: Path, path: Path, record: str) -> UUID | None:
    """Put a run into the spool, unless its process came to do so before it died."""
    run_id = UUID(path.stem)
    spool.recover(home, run_id)
    is_known = spool.holds(home, run_id)
    if not is_known:
        spool.add(home, run_id, record)
    path.unlink()
    return None if is_known else run_id


def _parse(text: str) -> tuple[dict[str, Any], str]:
    """Split a note into what it says of the process and the run."""
    head, record, end = text.split("\n")
    note = json.loads(head)
    if end or note["format"] < FORMAT:
        raise ValueError("no journal entry of btstore's")
    return note, record


def _set_aside(home: Path, path: Path, error: Exception) -> None:
    with suppress(OSError, StoreError):
        kept = durable.move(path, spool.folder_of(home) / "aside")
        get_logger().warning(f"set aside a journal entry that cannot be read: {error}", file=kept)


def _folder(home: Path) -> Path:
    return home / "journal"


def _start_time(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty if it is dead or unknown."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if status[0] in DEAD else status[START_TIME]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def _machine() -> tuple[str, str, str]:
    """Return the namespace of process ids, the boot and the host."""
    namespace = boot = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return namespace, boot, socket.gethostname()


def _release(file: int) -> None:
    if file in _held:
        _held.discard(file)
        durable.release(file)


def _forget_after_fork() -> None:
    """Close a forked process's copies, which would keep up the locks of a parent that died."""
    while _held:
        os.close(_held.pop())
    _machine.cache_clear()


os.register_at_fork(after_in_child=_forget_after_fork)
