"""Start and stop the embedded server: what takes time, and is imported only then."""

import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backtest_store.errors import StoreError, UnreachableError
from backtest_store.store.embedded import cluster
from backtest_store.store.embedded.binaries import Binaries, find_binaries
from backtest_store.store.embedded.os_user import Account, account_for
from backtest_store.store.embedded.processes import exclusive, patience, spawn
from backtest_store.store.embedded.server_files import SERVING, ServerFiles
from backtest_store.store.private_folders import (
    explained,
    make_private,
    open_private,
    require_private,
)

PATIENCE = 60.0  # seconds; a start after a crash replays up to max_wal_size first
FAREWELL = 1.0  # seconds that commands under way have to end when the server is stopped
ASKING_FOR_TLS = b"\0\0\0\x08\x04\xd2\x16\x2f"  # what every server answers by a letter
LONGEST_LOG = 4 * 2**20  # bytes


def start(files: ServerFiles, bindir: Path | None) -> None:
    """Make sure that the server runs and takes connections, and create it on first use.

    Raises StoreError if it cannot be had, with the reason and what to do.
    """
    with explained(files.home), _alone(files) as lock:
        if _is_serving_after_all(files) and not _stopped_to_upgrade(files, bindir):
            return
        major = cluster.major_version(files.data_directory)
        binaries = find_binaries(bindir, major)
        account = account_for(files.data_directory)
        if major is None:
            cluster.create(files, binaries, account, lock=lock)
        make_private(files.socket_directory, may_be_a_link=False)
        cluster.configure(files, binaries, account)
        _launch(files, binaries, account)


def stop(files: ServerFiles) -> bool:
    """Stop the server, disconnecting its clients, and say whether it ran."""
    with explained(files.home):
        return files.home.exists() and _stop(files)


def _stop(files: ServerFiles) -> bool:
    with _alone(files):
        pid = files.pid()
        if pid is None and _answers(files) is not False:
            raise StoreError(
                f"the server in {files.home} runs in another container",
                hint="stop it in the container that started it",
            )
        if pid is None:
            return False
        _shut_down(files, pid)
        if files.socket_directory.parent != files.home:
            with suppress(OSError):
                files.socket_directory.rmdir()
        return True


@contextmanager
def _alone(files: ServerFiles) -> Iterator[int]:
    """Be the only process that starts or stops this server."""
    make_private(files.home)
    with exclusive(files.start_lock_path, 1.5 * PATIENCE) as lock:
        yield lock


def _is_serving_after_all(files: ServerFiles) -> bool:
    """Wait for a server that is starting or stopping, and say whether it serves.

    The socket also answers for a server that a person started, or whose process is out of sight
    in another container: two on one directory would destroy it.
    """
    for _ in patience(PATIENCE):
        serving, answers = files.status() == SERVING, _answers(files)
        if serving and answers:
            return True
        if answers is not False:
            continue
        pid = files.pid()
        if files.launched() is None and pid is None:
            return False
        if serving and pid is not None:
            _shut_down(files, pid)  # its socket was deleted, so no one could ever reach it
    status = files.status() or "going down"
    state = "not answered" if status == SERVING else f"been {status}"
    raise UnreachableError(
        f"the server in {files.home} has {state} for {PATIENCE:.0f} seconds",
        hint=f"try again later; {files.log_path} says what it is doing",
    )


def _answers(files: ServerFiles) -> bool | None:
    """Say whether a server answers; None if one only listens, as a killed one's child may."""
    if not os.path.lexists(files.socket_directory):
        return False
    require_private(files.socket_directory, may_be_a_link=False)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(files.socket_path))
            client.sendall(ASKING_FOR_TLS)
            return bool(client.recv(1))
        except TimeoutError:
            return None
        except OSError:
            return False


def _stopped_to_upgrade(files: ServerFiles, bindir: Path | None) -> bool:
    """Stop a server whose binaries were replaced, as pip does, unless someone is connected."""
    launched, pid = files.launched(), files.pid()
    if launched is None or launched.is_in_place() or pid is None or not _is_idle(pid):
        return False
    try:
        find_binaries(bindir, cluster.major_version(files.data_directory))
    except StoreError:
        return False  # what runs can still serve; what was installed instead could not
    _shut_down(files, pid)
    return True


def _is_idle(pid: int) -> bool:
    """Say whether no client is connected; without /proc, as on macOS, there is no telling."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return False
    return not any(_serves_a_client(child) for child in children)


def _serves_a_client(pid: str) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"[local]" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _shut_down(files: ServerFiles, pid: int) -> None:
    # To PostgreSQL: let who is connected end what they do; then disconnect everyone, and leave.
    for request, seconds in ((signal.SIGTERM, FAREWELL), (signal.SIGINT, PATIENCE)):
        with suppress(ProcessLookupError):
            os.kill(pid, request)
        for _ in patience(seconds):
            if files.launched() is None and files.pid() is None:
                return
    raise UnreachableError(
        f"the server in {files.home} has not stopped within {PATIENCE:.0f} seconds",
        hint=f"{files.log_path} says what it is doing",
    )


def _launch(files: ServerFiles, binaries: Binaries, account: Account) -> None:
    """Start the server and wait until it takes connections."""
    _remove_leftovers(files)
    log = open_private(files.log_path, os.O_WRONLY | os.O_APPEND)
    lock = open_private(files.lock_path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _record(lock, binaries)
        written = os.fstat(log).st_size
        command = account.command(binaries.postgres, "-D", files.data_directory)
        spawn(command, log=log, lock=lock)
    finally:
        os.close(lock)  # the server has its own by now, and holds the lock as long as it lives
        os.close(log)
    _wait_until_serving(files, written)


def _remove_leftovers(files: ServerFiles) -> None:
    """Remove what a killed server left; a recycled process id in it would stop the new one."""
    lock_file = files.socket_path.with_name(f"{files.socket_path.name}.lock")
    for path in (files.pid_path, files.socket_path, lock_file):
        path.unlink(missing_ok=True)
    if files.log_path.exists() and files.log_path.stat().st_size > LONGEST_LOG:
        files.log_path.replace(files.log_path.with_suffix(".log.1"))


def _record(lock: int, binaries: Binaries) -> None:
    modified = binaries.postgres.stat().st_mtime_ns
    os.truncate(lock, 0)
    os.write(lock, os.fsencode(f"{binaries.version}\n{modified}\n{binaries.postgres}"))


def _wait_until_serving(files: ServerFiles, written: int) -> None:
    for _ in patience(PATIENCE):
        if files.launched() is None:
            raise UnreachableError(
                f"the embedded server did not start:\n{_end_of_log(files, written)}",
                hint=f"all of it is in {files.log_path}",
            )
        if files.status() == SERVING:
            return
    raise UnreachableError(
        f"the embedded server is not ready after {PATIENCE:.0f} seconds:\n"
        f"{_end_of_log(files, written)}",
        hint="try again: after a crash it may need longer",
    )


def _end_of_log(files: ServerFiles, written: int) -> str:
    """Return the last lines that were logged after so many bytes."""
    with files.log_path.open("rb") as log:
        log.seek(max(written, log.seek(0, os.SEEK_END) - 4096))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-6:])
