"""Durable local files for the runs that the database could not take."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.log import get_logger
from backtest_store.saving import durable_files, run_file_format
from backtest_store.saving.run_file_format import NewerFormatError, NotReadableError, RunFile

FOLDERS = ("aside", "rejected")
UNFINISHED = re.compile(r"\.(.+\.json)\.\w+\.tmp", re.DOTALL)


def add(home: Path, run_id: UUID, record: str, store: str | None) -> Path:
    """Leave a run in the spool, for a store if that is known; then it outlasts a power cut.

    Raises OSError if the disk is full or unwell, StoreError if the home is not this user's alone.
    """
    path = path_of(home, run_id)
    durable_files.release(
        durable_files.write_whole(path, run_file_format.written(RunFile(record, store)))
    )
    return path


def reject(path: Path, reason: str) -> Path:
    """Put away a run that the database will never take, with the reason beside it."""
    folder = path.parent / "rejected"
    note = folder / f"{path.stem}.reason.txt"
    durable_files.release(durable_files.write_whole(note, f"{reason}\n".encode(errors="replace")))
    path.replace(folder / path.name)
    durable_files.flush_folder(folder)
    durable_files.flush_folder(path.parent)
    return folder / path.name


def holds(home: Path, run_id: UUID) -> bool:
    """Say whether a run waits in the spool or was rejected."""
    path = path_of(home, run_id)
    return path.exists() or (path.parent / "rejected" / path.name).exists()


def folder_of(home: Path) -> Path:
    """Return the spool of a home."""
    return home / "spool"


def path_of(home: Path, run_id: UUID) -> Path:
    """Return the file in which a run waits, if it does."""
    return folder_of(home) / f"{run_id}.json"


def waiting(home: Path) -> list[Path]:
    """List what waits in the spool, oldest first."""
    return sorted(_visible(folder_of(home)), key=_age)


def stores_waited_for(home: Path) -> Counter[str | None]:
    """Count what waits by the store that it is meant for; None is one that nobody knew."""
    stores: Counter[str | None] = Counter()
    for path in waiting(home):
        with (
            suppress(OSError, NotReadableError, durable_files.NotOursError),
            durable_files.claimed(path) as file,
        ):
            stores[run_file_format.read(file).store] += 1
    return stores


def warn_of_rejected(run_id: object, reason: str, kept: Path) -> None:
    """Say which run the database will never take, why, and where it is kept."""
    short = reason.partition("\n")[0]
    get_logger().warning(f"the database rejected run {run_id}: {short}", file=kept)


def set_aside(home: Path, path: Path, reason: str) -> int:
    """Put away a file that holds no run, and return how many those were: 1 or 0."""
    try:
        kept = durable_files.move(path, folder_of(home) / "aside")
    except FileNotFoundError:
        return 0
    except (OSError, StoreError) as error:
        get_logger().warning(f"cannot set a file aside, {reason}: {error}", file=path)
        return 0
    get_logger().warning(f"set aside a file that is no run: {reason}", file=kept)
    return 1


def recover(home: Path) -> None:
    """Take up what a process was writing when it died: put it in its place, or aside if torn."""
    for path in folder_of(home).glob(durable_files.TEMPORARY):
        try:
            if not path.lstat().st_size:  # its writer may be just about to lock it
                continue
            with durable_files.claimed(path) as file:
                run_file_format.read(file)
                _into_place(path)
        except NewerFormatError:
            continue
        except (NotReadableError, durable_files.NotOursError) as error:
            set_aside(home, path, str(error))
        except (OSError, StoreError):
            continue


def _into_place(path: Path) -> None:
    named = UNFINISHED.fullmatch(path.name)
    final = path.with_name(named[1]) if named else path
    if final.exists():
        durable_files.move(path, path.parent / "aside")
    else:
        path.rename(final)
        durable_files.flush_folder(path.parent)


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
