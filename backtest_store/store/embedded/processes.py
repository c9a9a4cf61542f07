"""Run the server's programs, wait for them, and keep others out meanwhile."""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backtest_store.errors import UnreachableError
from backtest_store.store.private_folders import ELSEWHERE, open_private

INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TZ")


def environment() -> dict[str, str]:
    """Return what the server needs of the environment: it outlives us and needs no secrets.

    Nor the user's PG* variables and language; on macOS any LC_ALL keeps it from becoming
    multithreaded while it starts, which it would refuse.
    """
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return kept | {"LC_ALL": "C"}


def run(command: list[str], *, lock: int, text: str = "") -> None:
    """Run a program to its end, or raise UnreachableError with the last lines that it wrote.

    Should we be killed, it takes the lock with it.
    """
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env=environment(),
        pass_fds=[lock],
    )
    if done.returncode:
        said = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-6:])
        raise UnreachableError(f"cannot make the embedded store:\n{said}", hint=ELSEWHERE)


def spawn(command: list[str], *, log: int, lock: int) -> None:
    """Leave a program running in a session of its own, holding the lock.

    The shell in between makes it no child of ours: else it would linger as a zombie of a
    process that never asks for it, and Ctrl-C would reach it.
    """
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        check=True,
        cwd="/",
        env=environment(),
        pass_fds=[lock],
        start_new_session=True,
    )


def patience(seconds: float) -> Iterator[None]:
    """Yield now and then until the time is up, and once after: this process may have slept."""
    end = time.monotonic() + seconds
    pause = 0.001
    while time.monotonic() < end:
        yield
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    yield


@contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[int]:
    """Hold a lock file's lock, and yield its descriptor.

    Raises UnreachableError if another process holds it for longer than that.
    """
    lock = open_private(path, os.O_RDWR)
    try:
        for _ in patience(seconds):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield lock
            # So that a copy in a process that another thread forked lets go, too. Not after a
            # failure: then a program that still writes here may be what has the copy.
            fcntl.flock(lock, fcntl.LOCK_UN)
            return
        raise UnreachableError(
            f"another process has been starting or stopping the server for {seconds:.0f} seconds",
            hint=f"`fuser {path}` names it",
        )
    finally:
        os.close(lock)
