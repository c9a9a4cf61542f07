"""A note of each run that is under way, so that one whose process dies is not forgotten."""

from __future__ import annotations

import os
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from functools import cache
from pathlib import Path
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.log import get_logger
from backtest_store.models import Record, to_json
from backtest_store.saving import durable_files, run_file_format, spool
from backtest_store.saving.run_file_format import NewerFormatError, NotReadableError, RunFile
from backtest_store.store.settings import Settings

DEAD = frozenset("ZX")
START_TIME = 19  # the field's place in /proc/PID/stat, counted from behind the command


class State(Enum):
    """What is known of a process."""

    UNDER_WAY = auto()
    GONE = auto()
    ELSEWHERE = auto()
    """On another machine, or in a container that has another name now: nobody here can tell."""


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

    def state(self) -> State:
        """Say whether the process still runs.

        Only asked once its file's lock is free, which on this machine is a proof by itself,
        except where a file system keeps no locks.
        """
        here = Process.current()
        if self.boot_id != here.boot_id:  # the machine was started anew, or it is another one
            return State.GONE if self.host == here.host else State.ELSEWHERE
        if self.pid_namespace != here.pid_namespace:  # another container here: the lock tells
            return State.GONE if self.boot_id else State.ELSEWHERE
        is_gone = _start_time(self.pid) != self.start_time or not _exists(self.pid)
        return State.GONE if is_gone else State.UNDER_WAY


class Entry:
    """The note of one run under way; one without a path could not be made, and does nothing.

    The descriptor holds the file's lock as long as this process lives.
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
        if self._file in _held:
            _held.discard(self._file)
            durable_files.release(self._file)


_held: set[int] = set()


def open_entry(record: Record, home: Path | None = None) -> Entry:
    """Note that a run is about to start, to be saved as `interrupted` if the process dies.

    Never raises. It is closed when the run is in the database or in the spool.
    """
    try:
        settings = Settings.from_environment()
        path = path_of(home or settings.home, record.run_id)
        run = to_json(replace(record, status="interrupted"))
        note = RunFile(run, settings.store_name, asdict(Process.current()))
        file = durable_files.write_whole(path, run_file_format.written(note))
    except Exception as error:  # noqa: BLE001 - a backtest goes on without it
        get_logger().warning(f"a run is lost if its process dies: no journal entry: {error}")
        return Entry()
    _held.add(file)
    return Entry(path, file)


def collect(home: Path, *, elsewhere: bool = False, most: int | None = None) -> list[UUID]:
    """Put each run whose process is provably gone into the spool, and return those put there.

    Any number of processes may do so at once. `elsewhere` takes the runs of other machines for
    gone, too. Raises StoreError if the home is not this user's alone.
    """
    durable_files.require_ours(home)
    _sweep(home)
    gone = {State.GONE, State.ELSEWHERE} if elsewhere else {State.GONE}
    dead = [path for path in entries(home) if _state(home, path) in gone][:most]
    if not dead:
        return []
    spool.recover(home)  # what they came to spool before they died; they write no more
    collected = [run_id for path in dead if (run_id := _hand_over(home, path))]
    if collected:
        durable_files.flush_folder(spool.folder_of(home))
        durable_files.flush_folder(_folder(home))
    return collected


def path_of(home: Path, run_id: UUID) -> Path:
    """Return the file of a run's note."""
    return _folder(home) / f"{run_id}.json"


def entries(home: Path) -> list[Path]:
    """List the notes, of runs under way and of those whose process died."""
    return sorted(_folder(home).glob("*.json"))


def elsewhere(home: Path) -> Counter[str]:
    """Count the runs that nobody here can tell the end of, by the machine that they began on."""
    hosts: Counter[str] = Counter()
    for path in entries(home):
        with suppress(OSError, NotReadableError, durable_files.NotOursError, TypeError):
            with durable_files.claimed(path) as file:
                process = Process(**run_file_format.read(file).process or {})
            hosts[process.host] += process.state() is State.ELSEWHERE
    return +hosts


def _sweep(home: Path) -> None:
    """Delete the notes of processes that died before they had written them: no run began."""
    for path in _folder(home).glob(durable_files.TEMPORARY):
        with suppress(OSError, durable_files.NotOursError):
            if path.lstat().st_size:  # else its writer may be just about to lock it
                with durable_files.claimed(path):
                    path.unlink()


def _state(home: Path, path: Path) -> State:
    try:
        UUID(path.stem)
        with durable_files.claimed(path) as file:
            return Process(**run_file_format.read(file).process or {}).state()
    except (BlockingIOError, FileNotFoundError, NewerFormatError):
        return State.UNDER_WAY
    except (NotReadableError, TypeError, ValueError, durable_files.NotOursError) as error:
        spool.set_aside(home, path, str(error))
    except OSError as error:
        get_logger().warning(f"cannot read the journal entry of a run: {error}", file=path)
    return State.UNDER_WAY


def _hand_over(home: Path, path: Path) -> UUID | None:
    """Make a waiting run of a note, unless its process came to spool it before it died."""
    run_id = UUID(path.stem)
    try:
        with durable_files.claimed(path):
            if spool.holds(home, run_id):
                path.unlink()
                return None
            durable_files.make_folder(spool.folder_of(home))
            path.rename(spool.path_of(home, run_id))
    except (BlockingIOError, FileNotFoundError):
        return None
    except (OSError, StoreError, durable_files.NotOursError) as error:
        get_logger().warning(f"cannot collect an interrupted run: {error}", file=path)
        return None
    return run_id


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


def _forget_after_fork() -> None:
    """Close a forked process's copies, which would keep up the locks of a parent that died."""
    while _held:
        os.close(_held.pop())
    _machine.cache_clear()


os.register_at_fork(after_in_child=_forget_after_fork)
