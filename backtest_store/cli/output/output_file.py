"""Files that a command writes: there whole at the end, or as they were if anything goes wrong."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, BinaryIO

from backtest_store.cli.confirm import require_yes
from backtest_store.errors import StoreError
from backtest_store.store.private_folders import OTHERS_MAY_WRITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Write = Callable[[str | bytes], object]

PERMISSIONS = 0o666  # less the umask, as any program's new file has them


@contextmanager
def written(file: Path, *, yes: bool) -> Iterator[Write]:
    """Open a file to write to; one that is there is overwritten after a question, or with `yes`."""
    with _explained(file):
        _require_no_trap(file)
        target = file.resolve()
        is_there = target.exists()
        is_plain = target.is_file() or not is_there  # not a pipe or a device
    if is_there and is_plain and not yes:
        require_yes(f"Overwrite {file}?")
    with _replaced(file, target) if is_plain else _in_place(file) as write:
        yield write


def _require_no_trap(file: Path) -> None:
    """Refuse a link that another user has put into a folder that all may write to."""
    if file.is_symlink():
        folder, link = file.parent.stat(), file.lstat()
        if folder.st_mode & OTHERS_MAY_WRITE and link.st_uid not in {os.geteuid(), folder.st_uid}:
            raise StoreError(f"cannot write {file}: it is a link of another user")


@contextmanager
def _in_place(file: Path) -> Iterator[Write]:
    with _explained(file), file.open("wb") as opened:
        yield _explaining(file, opened)


@contextmanager
def _replaced(file: Path, target: Path) -> Iterator[Write]:
    """Write a file under a name that nobody can foresee, and then put it in place."""
    with _explained(file):
        descriptor, name = mkstemp(dir=target.parent, prefix=".btstore-")
    unfinished = Path(name)
    try:
        with _explained(file), os.fdopen(descriptor, "wb") as opened:
            yield _explaining(file, opened)
        with _explained(file):
            unfinished.chmod(_permissions(target))
            unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _permissions(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0o077)
    os.umask(umask)
    return PERMISSIONS & ~umask


def _explaining(file: Path, opened: BinaryIO) -> Write:
    def explaining(content: str | bytes) -> None:
        with _explained(file):
            opened.write(content.encode() if isinstance(content, str) else content)

    return explaining


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Tell what is wrong with a file; as an OSError it would pass for a lost connection."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror}") from error
