"""Take runs out of a store as JSON Lines, and bring them into one: exact, whole, and once each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from backtest_store.errors import StoreError, UnreachableError
from backtest_store.runs.json_line_faults import fault_of
from backtest_store.store import queries, sql
from backtest_store.store.sql import Condition

if TYPE_CHECKING:
    from asyncpg import Connection

LINES_AT_ONCE = 1000
CHUNK = 2**22  # bytes
LONGEST_LINE = 2**28  # bytes; PostgreSQL takes 2**30, and memory may be short
STORED_ONE_BY_ONE = 128  # lines at most, once one among them is known to be none
OTHER_FORMATS = {
    b"PAR1": ("Parquet", "Parquet is one way, its amounts are rounded: btstore export runs.jsonl"),
    b"PGDMP": ("a backup", "btstore db restore FILE reads it into an empty store"),
    b"\x1f\x8b": ("compressed", "zcat FILE | btstore import -"),
}

Lines = list[bytes]


class Line(NamedTuple):
    """A line of a file: its number, from 1, and its text or why it is no run."""

    number: int
    text: str
    fault: str = ""


class Refusal(NamedTuple):
    """A line that is no run, and why."""

    number: int
    reason: str


@dataclass
class Imported:
    """What became of the lines of a file."""

    stored: int = 0
    already_there: int = 0
    refused: list[Refusal] = field(default_factory=list)


class RefusedLineError(StoreError):
    """A line of a file is no run, so nothing of the file was imported."""


async def export(db: Connection, where: Sequence[Condition], write: Callable[[str], object]) -> int:
    """Write whole runs as JSON, one a line, the newest first, and return how many there were."""
    return await sql.copy_json(db, queries.export_runs(where), write)


async def import_runs(db: Connection, parts: AsyncIterator[Lines], *, keep_going: bool) -> Imported:
    """Store the runs that lines of JSON hold; those already stored stay as they are.

    A line that is no run is left out with `keep_going`, and else a RefusedLineError, when nothing
    is stored. The connection may be lost even while more lines are waited for.
    """
    imported = Imported()
    async with db.transaction():
        async for lines in _ahead(_checked(parts), _loss_of(db)):
            imported.refused += [Refusal(line.number, line.fault) for line in lines if line.fault]
            await _store(db, [line for line in lines if not line.fault], imported)
            if imported.refused and not keep_going:
                raise _refusal(min(imported.refused))
    return imported


async def _ahead(
    parts: AsyncIterator[list[Line]], loss: asyncio.Future[list[Line] | None]
) -> AsyncIterator[list[Line]]:
    """Read and check the next lines while the server stores those before."""
    following = _next_of(parts)
    try:
        while True:
            await asyncio.wait((following, loss), return_when=asyncio.FIRST_COMPLETED)
            if not following.done():  # and more lines may never come
                raise UnreachableError("the connection to PostgreSQL was lost; nothing is imported")
            lines = following.result()
            if lines is None:
                return
            following = _next_of(parts)
            yield lines
    finally:
        following.cancel()


def _next_of(parts: AsyncIterator[list[Line]]) -> asyncio.Future[list[Line] | None]:
    return asyncio.ensure_future(anext(parts, None))


def _loss_of(db: Connection) -> asyncio.Future[list[Line] | None]:
    """Return what is done once the connection is lost."""
    loss: asyncio.Future[list[Line] | None] = asyncio.get_running_loop().create_future()

    def lose(_: object) -> None:
        if not loss.done():
            loss.set_result(None)

    db.add_termination_listener(lose)
    return loss


async def _checked(parts: AsyncIterator[Lines]) -> AsyncIterator[list[Line]]:
    """Number the lines, and check them as far as that needs no database."""
    number = 1
    async for lines in parts:
        if number == 1:
            _require_lines(lines[0])
        yield await _check(lines, number)
        number += len(lines)


def _require_lines(beginning: bytes) -> None:
    """Refuse a file of another format by its first bytes."""
    for magic, (what, hint) in OTHER_FORMATS.items():
        if beginning.startswith(magic):
            raise StoreError(f"this is {what}, not JSON Lines; nothing was imported", hint=hint)


async def _check(lines: Lines, first: int) -> list[Line]:
    checked = []
    for number, line in enumerate(lines, first):
        if line.strip():
            checked.append(Line(number, line.decode(errors="replace"), fault_of(line)))
            await asyncio.sleep(0)  # those before are sent meanwhile; a thread would hold that up
    return checked


def _refusal(refused: Refusal) -> RefusedLineError:
    return RefusedLineError(
        f"line {refused.number}: {refused.reason}; nothing was imported",
        hint="--keep-going imports the other lines",
    )


async def _store(db: Connection, lines: list[Line], imported: Imported) -> None:
    """Store lines; if one is no run, in ever smaller parts, down to that one."""
    from asyncpg import DataError, IntegrityConstraintViolationError, ProgramLimitExceededError

    try:
        async with db.transaction():
            stored = await queries.insert_runs(db, records=[line.text for line in lines])
    except (DataError, IntegrityConstraintViolationError, ProgramLimitExceededError) as error:
        if len(lines) == 1:
            imported.refused.append(Refusal(lines[0].number, str(error).partition("\n")[0]))
            return
        size = len(lines) // 2 if len(lines) > STORED_ONE_BY_ONE else 1
        for start in range(0, len(lines), size):
            await _store(db, lines[start : start + size], imported)
    else:
        imported.stored += len(stored)
        imported.already_there += len(lines) - len(stored)


async def lines_of(file: int) -> AsyncIterator[Lines]:
    """Yield the lines of an open file, some at a time; while none come, others may go on."""
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
