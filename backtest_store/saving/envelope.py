"""How a run lies in a file of the spool: under a header that tells whether it is all there."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress

from backtest_store.saving import files as durable

FORMAT = 1
LARGEST = 2**30 - 1  # bytes; PostgreSQL takes no larger parameter


class NotReadableError(Exception):
    """A file holds no run that this version can pass on; it is to be kept in `folder`."""

    def __init__(self, reason: str, folder: str = "aside") -> None:
        super().__init__(reason)
        self.folder = folder


def sealed(record: str) -> bytes:
    """Write a header and the run, a line each; the run goes to the database as it stands here."""
    body = record.encode()
    header = {"format": FORMAT, "sha256": hashlib.sha256(body).hexdigest()}
    return json.dumps(header).encode() + b"\n" + body + b"\n"


def unsealed(file: int) -> str:
    """Return the run that a file holds."""
    if os.fstat(file).st_size > LARGEST:
        raise NotReadableError("it is larger than PostgreSQL takes")
    header, _, rest = durable.read(file).partition(b"\n")
    body = rest.removesuffix(b"\n")
    if _digest(header) != hashlib.sha256(body).hexdigest():
        raise NotReadableError("it is torn: its content is not what was written")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise NotReadableError("it is no file of btstore's") from None


def _digest(header: bytes) -> str:
    """Return the checksum that a header names."""
    with suppress(ValueError, RecursionError):
        match json.loads(header):
            case {"format": int(found)} if found > FORMAT:
                raise NotReadableError("a newer version of btstore wrote it; upgrade", "newer")
            case {"format": int(found), "sha256": str(digest)} if found == FORMAT:
                return digest
    raise NotReadableError("it is torn, or no file of btstore's")
