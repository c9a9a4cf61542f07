"""Files that are there whole or not at all, survive a power cut, and are this user's alone."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backtest_store.store.private_folders import OTHERS_MAY_WRITE, make_private, require_private

TEMPORARY = ".*.tmp"
READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # never waits for a FIFO
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
SPARE = 4  # descriptors: a file, its folder, and two for what others are quick to take
_spare: list[int] = []


class NotOursError(Exception):
    """What is found is no plain file that this user alone could have written."""


def reserve_descriptors() -> None:
    """Hold descriptors back, to write a run by when there are no more, or raise OSError."""
    while len(_spare) < SPARE:
        _spare.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


def require_descriptors() -> None:
    """Raise OSError if the process can have no more descriptors."""
    free: list[int] = []
    try:
        while len(free) < SPARE:
            free.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    finally:
        for file in free:
            os.close(file)


@contextmanager
def spare_descriptors() -> Iterator[None]:
    """Give the descriptors that were held back to what follows."""
    is_reserved = bool(_spare)
    with suppress(IndexError):  # another thread may take them, too
        while True:
            os.close(_spare.pop())
    try:
        yield
    finally:
        if is_reserved:
            with suppress(OSError):
                reserve_descriptors()


def write_whole(path: Path, content: bytes) -> int:
    """Write a file that is whole or absent whatever happens, and flush it to disk.

    Returns its descriptor, which holds the file's lock until it is closed. Raises OSError if the
    disk is full or unwell: then it is absent or, if only its folder could not be flushed, whole,
    but may not outlast a power cut. Raises StoreError if the directory is not this user's alone.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    file = os.open(temporary, NEW_FILE, 0o600)
    try:
        _lock(file)
        os.fchmod(file, 0o600)  # the umask may have taken even the owner's rights
        _write(file, content)
        temporary.replace(path)
        flush_folder(path.parent)
    except BaseException:
        release(file)
        temporary.unlink(missing_ok=True)
        raise
    return file


def release(file: int) -> None:
    """Give up a file's lock and close it."""
    with suppress(OSError):  # explicitly: a process forked meanwhile has a copy that holds it
        fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)


@contextmanager
def claimed(path: Path) -> Iterator[int]:
    """Open a file that no other process is busy with, and keep the others off meanwhile.

    Raises BlockingIOError if another process has it, FileNotFoundError if it is gone or was
    replaced, and NotOursError if it is no plain file that this user alone could have written.
    """
    file = _open_plain(path)
    try:
        _lock(file)
        if not os.path.samestat(os.fstat(file), path.lstat()):
            raise FileNotFoundError(path)
        yield file
    finally:
        release(file)


def require_ours(home: Path) -> None:
    """Raise StoreError for a home that another user has, or may write to."""
    with suppress(FileNotFoundError):
        require_private(home)


def read(file: int) -> bytes:
    """Return all that a file holds."""
    with os.fdopen(os.dup(file), "rb") as content:
        content.seek(0)
        return content.read()


def move(path: Path, folder: Path) -> Path:
    """Move a file into a folder, under another name if its own is taken there."""
    make_folder(folder)
    target = folder / path.name.lstrip(".")
    if target.exists() or target.is_symlink():
        target = folder / f"{target.name}.{secrets.token_hex(4)}"
    path.rename(target)
    flush_folder(folder)
    flush_folder(path.parent)
    return target


def flush_folder(folder: Path) -> None:
    """Make what was created, renamed or deleted in a folder outlast a power cut."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks; saving twice at once is safe, only a waste
        return


def make_folder(folder: Path) -> None:
    """Make a folder in a home, this user's alone."""
    is_new = not folder.exists()
    make_private(folder.parent)  # whoever may write to it could put another folder there
    make_private(folder)
    if is_new:
        for ancestor in list(folder.parents)[:2]:  # the home itself may be new as well
            with suppress(PermissionError):
                flush_folder(ancestor)


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)
    full_flush = getattr(fcntl, "F_FULLFSYNC", None)  # macOS's fsync stops at the drive's cache
    if full_flush is not None:
        fcntl.fcntl(file, full_flush)


def _open_plain(path: Path) -> int:
    _require_plain(path.lstat())
    file = os.open(path, READ_ONLY)
    try:
        _require_plain(os.fstat(file))  # it may have been replaced in between
    except BaseException:
        os.close(file)
        raise
    return file


def _require_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotOursError("it is no plain file")
    if status.st_uid != os.geteuid():
        raise NotOursError("it belongs to another user")
    if status.st_mode & OTHERS_MAY_WRITE:
        raise NotOursError("others may write to it")
