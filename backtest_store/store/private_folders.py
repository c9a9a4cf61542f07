"""Directories that are one user's alone, whatever the umask, and what may be wrong with them."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backtest_store.errors import StoreError, UnreachableError

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
YOUR_OWN = "set BTSTORE_HOME to a directory of your own"
ELSEWHERE = "set BTSTORE_HOME to a directory on a local disk, or BTSTORE_DATABASE_URL to a server"


def make_private(directory: Path, *, may_be_a_link: bool = True) -> None:
    """Create a directory and its missing parents, open to this user alone.

    An existing one keeps its mode; it is refused as by `require_private`.
    """
    if not directory.parent.exists():
        make_private(directory.parent)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        directory.chmod(0o700)  # the umask may have taken even the owner's rights
    require_private(directory, may_be_a_link=may_be_a_link)


def require_private(directory: Path, *, may_be_a_link: bool = True) -> None:
    """Raise StoreError for what is no directory, belongs to another user, or lets others write.

    Who may write there could pass their own server off as this user's. A link may be theirs, too,
    where others may write to its parent, and lead elsewhere in the next moment.
    """
    status = directory.stat(follow_symlinks=may_be_a_link)
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"{directory} is not a directory", hint=YOUR_OWN)
    if status.st_uid != os.geteuid():
        raise StoreError(
            f"{directory} belongs to another user ({_name(status.st_uid)})", hint=YOUR_OWN
        )
    if status.st_mode & OTHERS_MAY_WRITE:
        import shlex

        hint = f"chmod 700 {shlex.quote(str(directory))}"
        raise StoreError(f"other users may write to {directory}", hint=hint)


def open_private(path: Path, flags: int) -> int:
    """Open a file, created readable by this user alone; return its descriptor."""
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags | os.O_CREAT, 0o600)
    os.fchmod(file, 0o600)  # the umask may have taken even the owner's rights
    return file


@contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error of the store."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else home
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise UnreachableError(
            f"the embedded server cannot use {place}: {error.strerror or error}",
            hint=f"free some space, or {ELSEWHERE}" if full else ELSEWHERE,
        ) from error


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
