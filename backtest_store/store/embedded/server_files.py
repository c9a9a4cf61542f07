"""What a server's own files say about it, read in microseconds: every command asks.

A server holds an exclusive lock on `server.lock` through a descriptor that all its processes
inherit. So the lock says whether it runs where a process id cannot: after the id was recycled,
for a zombie, from another container, while backends outlive a killed postmaster.
"""

import os
from pathlib import Path
from typing import NamedTuple

USER = DATABASE = "btstore"
PORT = 5432
SOCKET_PATH_BYTES = 103  # macOS has the shortest; Linux takes 107
URL_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~")
SERVING = "ready"
SERVER_PROGRAMS = frozenset({"postgres", "postmaster"})


class Launched(NamedTuple):
    """What the running server was started from."""

    version: str
    modified_ns: int
    executable: str

    def is_in_place(self) -> bool:
        """Say whether the executable is still the one that was started."""
        try:
            return Path(self.executable).stat().st_mtime_ns == self.modified_ns
        except OSError:
            return False


class ServerFiles:
    """The files of the server of one home directory."""

    def __init__(self, home: Path) -> None:
        self.home = Path(os.path.realpath(home))
        self.data_directory = self.home / "pgdata"
        self.log_path = self.home / "postgres.log"
        self.lock_path = self.home / "server.lock"
        self.start_lock_path = self.home / "start.lock"
        self.pid_path = self.data_directory / "postmaster.pid"
        self.socket_directory = _socket_directory(self.home)
        self.socket_path = self.socket_directory / f".s.PGSQL.{PORT}"

    def url(self) -> str:
        """Return the libpq URL, of characters that every driver leaves alone."""
        directory = os.fsencode(self.socket_directory)
        host = "".join(chr(b) if b in URL_SAFE else f"%{b:02X}" for b in directory)
        return f"postgresql://{USER}@/{DATABASE}?host={host}&port={PORT}"

    def launched(self) -> Launched | None:
        """Return what the running server was started from; None if none runs."""
        import fcntl

        try:
            lock = os.open(self.lock_path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing is not enough if a thread forks just now
        except BlockingIOError:
            return _parse_launched(os.read(lock, 8192))
        finally:
            os.close(lock)
        return None

    def status(self) -> str:
        """Return what the postmaster says it is doing: starting, ready, stopping, or nothing."""
        lines = self._postmaster_lines()
        return os.fsdecode(lines[-1].strip()) if lines else ""

    def recorded_pid(self) -> int | None:
        """Return the process id in `postmaster.pid`; None if it is missing or torn."""
        lines = self._postmaster_lines()
        return int(lines[0]) if lines and lines[0].isdigit() else None

    def pid(self) -> int | None:
        """Return the postmaster's process id; None if it does not run or cannot be seen."""
        pid = self.recorded_pid()
        return pid if pid is not None and self._is_postmaster(pid) else None

    def is_serving(self) -> bool:
        """Say whether the server takes connections and its binaries are the ones on disk."""
        launched = self.launched()
        return (
            launched is not None
            and launched.is_in_place()
            and self.status() == SERVING
            and self.pid() is not None  # a killed postmaster's backends may hold the lock a while
        )

    def _postmaster_lines(self) -> list[bytes]:
        try:
            with self.pid_path.open("rb") as file:
                return file.read().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _is_postmaster(self, pid: int) -> bool:
        """Say whether the process is a server, and works in the data directory.

        The id alone says nothing: it may be another's by now, a shell's in that directory even.
        """
        process = Path(f"/proc/{pid}")
        if not Path("/proc/self").exists():  # macOS
            return self.launched() is not None
        command = _command_line(process)
        if Path(os.fsdecode(command[0])).name not in SERVER_PROGRAMS:
            return False
        try:
            return (process / "cwd").samefile(self.data_directory)
        except PermissionError:  # root in a container may not look at other users' processes
            return os.fsencode(self.data_directory) in command
        except OSError:
            return False


def _command_line(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return [b""]


def _parse_launched(record: bytes) -> Launched:
    version, _, rest = os.fsdecode(record).partition("\n")
    modified_ns, _, executable = rest.partition("\n")
    return Launched(version, int(modified_ns or 0), executable)  # empty while it is being written


def _socket_directory(home: Path) -> Path:
    """Return a directory whose name suits the kernel, the server's settings and every driver."""
    directory = home / "run"
    if _suits_a_socket(str(directory)):
        return directory
    import hashlib

    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    # Not the TMPDIR of the day: all of a user's sessions must come to the same place.
    return Path(f"/tmp/btstore-{os.geteuid()}-{name}")  # noqa: S108 - its owner is checked


def _suits_a_socket(directory: str) -> bool:
    length = len(os.fsencode(f"{directory}/.s.PGSQL.{PORT}"))
    harmless = directory.isprintable() and not set(directory) & set(",'\"\\")
    return harmless and length <= SOCKET_PATH_BYTES
