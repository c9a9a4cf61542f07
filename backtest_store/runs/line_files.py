"""Read lines of a file or pipe as they come, without a thread that nobody can interrupt."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from backtest_store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

LINES_AT_ONCE = 1000
CHUNK = 2**20  # bytes
LONGEST_LINE = 2**28  # bytes; PostgreSQL takes 2**30, and memory may be short

Lines = list[bytes]


async def lines_of(file: int) -> AsyncIterator[Lines]:
    """Yield the lines of an open file, some at a time; while none come, others may go on.

    Raises
    ------
    StoreError
        If a line is too long to be a run, as of a file that has no lines, or cannot be read.
    """
    buffer, count = bytearray(), 0
    while chunk := await _chunk(file):
        seen = len(buffer)
        buffer += chunk
        end = buffer.rfind(b"\n", seen)
        if end >= 0:
            lines = bytes(buffer[:end]).split(b"\n")
            del buffer[: end + 1]
            count += len(lines)
            for some in in_parts(lines):
                yield some
        if len(buffer) > LONGEST_LINE:
            raise StoreError(f"line {count + 1} is longer than {LONGEST_LINE:,} bytes: not a run")
    if buffer:
        yield [bytes(buffer)]


def in_parts(lines: Lines) -> Iterable[Lines]:
    """Divide lines into as many as are stored at once."""
    return (lines[i : i + LINES_AT_ONCE] for i in range(0, len(lines), LINES_AT_ONCE))


async def _chunk(file: int) -> bytes:
    try:
        await _readable(file)
        return os.read(file, CHUNK)
    except OSError as error:  # it would pass for a lost connection
        raise StoreError(f"cannot read the lines: {error.strerror}") from error


async def _readable(file: int) -> None:
    """Wait until a pipe has something to read; a file always has."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(file, ready.set)
    except PermissionError:
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(file)
