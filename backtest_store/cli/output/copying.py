"""Every run of a list, written by PostgreSQL itself: constant memory, and many times as fast.

Text passes through as it comes. Only where it looks as if a terminal or a spreadsheet might act
on it, it is taken apart and written again, cell by cell, as `cells` has it for any record.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import TYPE_CHECKING

from backtest_store.cli.options import Format
from backtest_store.cli.output import cells, spreadsheet
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.models import Record
from backtest_store.runs.listing import Listing, parts
from backtest_store.store import queries, sql
from backtest_store.store.fields import LISTED

if TYPE_CHECKING:
    from asyncpg import Connection

COLUMNS = tuple(column for column in cells.columns(Record) if column.name in LISTED)
LONGEST_CELL = 2**30  # PostgreSQL's own limit; the csv module's is 128 KB unless told
IN_A_CELL = re.compile(r"\n(?![0-9a-f]{8}-|$)")  # a line break; a row begins with its run's id


async def copy(db: Connection, listing: Listing, format_: Format) -> int:
    """Print every run of a list, and return how many there were."""
    out = StandardOutput()
    runs = await WRITERS[format_](db, listing, out)
    out.flush()
    return runs


async def as_csv(db: Connection, listing: Listing, out: StandardOutput) -> int:
    """Write comma-separated values, and return how many runs there were."""
    out.write(",".join(LISTED) + "\n")
    runs = 0
    for where, order_by in parts(listing):
        query = queries.runs_as_csv(where, order_by)
        runs += await sql.copy(db, query, lambda text: out.write(_harmless(text)))
    return runs


def _harmless(rows: str) -> str:
    is_printable = rows.replace("\n", "").isprintable() and not IN_A_CELL.search(rows)
    if is_printable and not spreadsheet.may_hold_formulas(rows):
        return rows
    written = StringIO()
    csv.field_size_limit(LONGEST_CELL)
    encoders = [cells.csv_text_encoder(column) for column in COLUMNS]
    csv.writer(written, lineterminator="\n").writerows(
        [encode(cell) for encode, cell in zip(encoders, row, strict=True)]
        for row in csv.reader(StringIO(rows))
    )
    return written.getvalue()


async def as_jsonl(db: Connection, listing: Listing, out: StandardOutput) -> int:
    """Write one object a line, and return how many runs there were."""
    return await _json(db, listing, out.write)


async def as_json(db: Connection, listing: Listing, out: StandardOutput) -> int:
    """Write one array of objects, and return how many runs there were."""
    before = "[\n"

    def write(lines: str) -> None:
        nonlocal before
        out.write(before + lines[:-1].replace("\n", ",\n"))
        before = ",\n"

    runs = await _json(db, listing, write)
    out.write("\n]\n" if runs else "[]\n")
    return runs


async def _json(db: Connection, listing: Listing, write: Callable[[str], object]) -> int:
    runs = 0
    for where, order_by in parts(listing):
        query = queries.runs_as_json(where, order_by)
        runs += await sql.copy_json(db, query, lambda lines: write(cells.printable_lines(lines)))
    return runs


WRITERS: dict[Format, Callable[[Connection, Listing, StandardOutput], Awaitable[int]]] = {
    Format.CSV: as_csv,
    Format.JSON: as_json,
    Format.JSONL: as_jsonl,
}
