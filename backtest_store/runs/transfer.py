"""Take runs out of a store as JSON Lines, and bring them into one: exact, whole, and once each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from backtest_store.errors import StoreError
from backtest_store.models import RECORD_FIELDS
from backtest_store.store import queries, sql
from backtest_store.store.sql import Condition

if TYPE_CHECKING:
    from asyncpg import Connection

BATCH = 1000


class Line(NamedTuple):
    """A line of a file: its number, from 1, and its text."""

    number: int
    text: str


class Refusal(NamedTuple):
    """A line that is no run, and why."""

    number: int
    reason: str


@dataclass
class Batch:
    """Some lines of a file: those that may be runs, and those that are none."""

    lines: list[Line] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass
class Imported:
    """What became of the lines of a file."""

    stored: int = 0
    already_there: int = 0
    refused: list[Refusal] = field(default_factory=list)


class RefusedLineError(StoreError):
    """A line of a file is no run, so nothing of the file was imported."""


async def export(db: Connection, where: Sequence[Condition], write: Callable[[str], object]) -> int:
    """Write whole runs as JSON, one a line, the newest first, and return how many there were.

    Parameters
    ----------
    where : sequence of Condition
        What the runs must meet.
    write : callable
        Takes whole lines, some at a time.
    """
    query = queries.runs_as_json(where, "started_at", RECORD_FIELDS)
    return await sql.copy_json(db, query, write)


async def import_runs(db: Connection, lines: Iterable[bytes], *, keep_going: bool) -> Imported:
    """Store the runs that lines of JSON hold; those already stored stay as they are.

    Parameters
    ----------
    keep_going : bool
        Whether to leave out lines that are no runs, instead of refusing all lines.

    Raises
    ------
    RefusedLineError
        If a line is no run, and `keep_going` is not set; nothing is stored then.
    """
    imported, batches = Imported(), _batches(lines)
    async with db.transaction():
        batch = next(batches, None)
        while batch is not None:
            # The next lines are read and checked while the server stores these.
            following = asyncio.create_task(asyncio.to_thread(next, batches, None))
            await _store(db, batch, imported)
            batch = await following
            if imported.refused and not keep_going:
                raise _refusal(min(imported.refused))
    return imported


def _refusal(refused: Refusal) -> RefusedLineError:
    return RefusedLineError(
        f"line {refused.number}: {refused.reason}; nothing was imported",
        hint="--keep-going imports the other lines",
    )


def _batches(lines: Iterable[bytes]) -> Iterator[Batch]:
    """Yield lines in batches, checked as far as that needs no database."""
    numbered = enumerate(lines, 1)
    while some := list(islice(numbered, BATCH)):
        batch = Batch()
        for number, line in some:
            if line.strip():
                _check(number, line, batch)
        yield batch


def _check(number: int, line: bytes, batch: Batch) -> None:
    try:
        text = line.decode()
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        batch.refused.append(Refusal(number, f"not JSON: {_explained(error)}"))
        return
    if reason := _fault(record):
        batch.refused.append(Refusal(number, reason))
    else:
        batch.lines.append(Line(number, text))


def _explained(error: Exception) -> str:
    """Say what is wrong in a line, whose number is known better than to Python."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in column {error.colno}"
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _fault(record: object) -> str:
    """Return why a JSON value is no run; what its fields may hold is for the database to say."""
    if not isinstance(record, dict) or "run_id" not in record:
        return "not a run"
    unknown = record.keys() - _KNOWN
    return f"this version knows no field {min(unknown)!r}" if unknown else ""


_KNOWN = frozenset(RECORD_FIELDS)


async def _store(db: Connection, batch: Batch, imported: Imported) -> None:
    from asyncpg import DataError, IntegrityConstraintViolationError, ProgramLimitExceededError

    imported.refused += batch.refused
    try:
        async with db.transaction():
            stored = await queries.insert_runs(db, records=[line.text for line in batch.lines])
    except (DataError, IntegrityConstraintViolationError, ProgramLimitExceededError) as error:
        await _store_halves(db, batch.lines, imported, error)
    else:
        imported.stored += len(stored)
        imported.already_there += len(batch.lines) - len(stored)


async def _store_halves(
    db: Connection, lines: list[Line], imported: Imported, error: Exception
) -> None:
    """Store lines of which at least one is no run: in halves, down to that one."""
    if len(lines) == 1:
        imported.refused.append(Refusal(lines[0].number, str(error).partition("\n")[0]))
        return
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        await _store(db, Batch(half), imported)
