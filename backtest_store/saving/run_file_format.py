"""How a run lies in a file: the run as JSON, under what is known about it and a checksum."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from backtest_store.saving import durable_files

FORMAT = 1
LARGEST = 2**30 - 1  # bytes; PostgreSQL takes no larger parameter


class NotReadableError(Exception):
    """A file holds no run."""


class NewerFormatError(NotReadableError):
    """A file is for a newer version to read."""


@dataclass(frozen=True)
class RunFile:
    """What a file holds: a run as JSON, and the store's name if that was known.

    A run under way has the `Process` that runs it, too.
    """

    record: str
    store: str | None
    process: dict[str, Any] | None = None


def written(run: RunFile) -> bytes:
    """Write three lines: a checksum of the others, what is known about the run, and the run."""
    about = json.dumps({"store": run.store, "process": run.process})
    content = f"{about}\n{run.record}".encode()
    header = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest()}
    return json.dumps(header).encode() + b"\n" + content + b"\n"


def read(file: int) -> RunFile:
    """Return what an open file holds, or raise NotReadableError if it is no run's."""
    if os.fstat(file).st_size > LARGEST:
        raise NotReadableError("it is larger than PostgreSQL takes")
    header, _, rest = durable_files.read(file).partition(b"\n")
    content = rest.removesuffix(b"\n")
    if _checksum(header) != hashlib.sha256(content).hexdigest():
        raise NotReadableError("it is torn: its content is not what was written")
    try:
        about, _, record = content.decode().partition("\n")
        return RunFile(record, **json.loads(about))
    except (ValueError, TypeError):
        raise NotReadableError("it is no file of btstore's") from None


def _checksum(header: bytes) -> str:
    """Return the checksum that a header names."""
    try:
        found = json.loads(header)
    except (ValueError, RecursionError):
        found = None
    match found:
        case {"format": int(newer)} if newer > FORMAT:
            raise NewerFormatError("a newer version of btstore wrote it; upgrade")
        case {"format": int(known), "sha256": str(checksum)} if known == FORMAT:
            return checksum
    raise NotReadableError("it is torn, or no file of btstore's")
