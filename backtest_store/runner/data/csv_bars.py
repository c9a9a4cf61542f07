"""Read prices from a CSV file, and refuse what would quietly spoil a backtest."""

import csv
import gzip
import hashlib
import io
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from pathlib import Path
from typing import NamedTuple

from backtest_store.errors import UsageError
from backtest_store.runner.config.timestamps import parse_timestamp

# Files that went through 32-bit floats are off by up to 6e-8 of a price.
_FLOAT32_NOISE = 1e-7
_ADJUSTMENT_NOISE = 1e-6
_MOST_DECIMALS = 9
_GZIP_MAGIC = b"\x1f\x8b"

_NAMES = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
}
_TIME_NAMES = (("timestamp",), ("datetime",), ("date", "time"), ("date",), ("time",))


class Row(NamedTuple):
    """One bar: nanoseconds since 1970 in UTC, four prices, and units traded."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class PriceSeries:
    """Bars of one instrument in order of time.

    Parameters
    ----------
    path : Path
        The file that they are from.
    fingerprint : str
        SHA-256 of the file's bytes, in hex.
    rows : list of Row
        At least one.
    has_volume : bool
        Whether any volume is known; without it `Row.volume` is 0 throughout.
    """

    path: Path
    fingerprint: str
    rows: list[Row]
    has_volume: bool

    def between(self, start: int | None, end: int | None) -> "PriceSeries":
        """Return the bars from `start` to `end`, both included, in nanoseconds since 1970."""
        first = 0 if start is None else bisect_left(self.rows, start, key=_time)
        last = len(self.rows) if end is None else bisect_right(self.rows, end, key=_time)
        return replace(self, rows=self.rows[first:last])

    def decimals(self) -> int:
        """Return the fewest decimals, from 2 to 9, that hold each price as well as a float32."""
        prices = set(chain.from_iterable(row[1:5] for row in self.rows))
        return next((n for n in range(2, _MOST_DECIMALS) if _fits(prices, n)), _MOST_DECIMALS)


def load_csv(path: Path) -> PriceSeries:
    """Read a CSV file of open, high, low, close and, if it has it, volume.

    The first line names the columns, in any order and case: a time (``timestamp``, ``datetime``,
    ``date``, ``time``, or a ``date`` and a ``time``), ``open``, ``high``, ``low``, ``close``,
    ``volume``, or their first letters; others are ignored. Cells are separated by commas,
    semicolons or tabs. The file may be gzipped. A bar keeps the time that the file gives it.
    Where an open or close leaves the range from low to high by at most one part in a million, as
    adjusted prices do, the range is widened.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PriceSeries

    Raises
    ------
    UsageError
        If the file cannot be read or a row cannot be right: a missing column or cell, a bad
        number, a price that is not positive, a high under a low, an open or close outside them,
        a time that is not after the one before. It names the file, the line and the value.
    """
    content = _read(path)
    text = _text(content, path)
    rows = list(_rows(text, path))
    if not rows:
        raise UsageError(f"{path} has no rows under its header")
    fingerprint = hashlib.sha256(content).hexdigest()
    return PriceSeries(path, fingerprint, rows, any(row.volume for row in rows))


class _Columns(NamedTuple):
    width: int
    time: list[int]
    prices: list[int]
    volume: int | None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _text(content: bytes, path: Path) -> str:
    try:
        plain = gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
        return plain.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} is a broken gzip file: {error}") from None
    except UnicodeDecodeError as error:
        line = plain.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}, line {line}: byte {plain[error.start]:#04x} is not UTF-8 text"
        ) from None


def _rows(text: str, path: Path) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    columns: _Columns | None = None
    before: Row | None = None
    try:
        for cells in filter(None, lines):
            if columns is None:
                columns = _columns(cells)
                continue
            row = _row(cells, columns)
            if before is not None and row.time <= before.time:
                raise ValueError(_disorder(cells, columns, is_same=row.time == before.time))  # noqa: TRY301
            yield row
            before = row
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {max(lines.line_num, 1)}: {error}") from None
    if columns is None:
        raise UsageError(f"{path} is empty")


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


def _columns(header: list[str]) -> _Columns:
    names = [name.strip(" <>").lower() for name in header]
    prices = [_column(field, names) for field in ("open", "high", "low", "close")]
    return _Columns(len(header), _time_columns(names), prices, _optional("volume", names))


def _time_columns(names: list[str]) -> list[int]:
    for wanted in _TIME_NAMES:
        if set(wanted) <= set(names):
            return [names.index(name) for name in wanted]
    raise ValueError(f"no column named timestamp, datetime, date or time; found {_listed(names)}")


def _column(field: str, names: list[str]) -> int:
    position = _optional(field, names)
    if position is None:
        raise ValueError(f"no column named {field}; found {_listed(names)}")
    return position


def _optional(field: str, names: list[str]) -> int | None:
    found = [position for position, name in enumerate(names) if name in _NAMES[field]]
    if len(found) > 1:
        raise ValueError(f"more than one column for {field}; found {_listed(names)}")
    return found[0] if found else None


def _listed(names: list[str]) -> str:
    return ", ".join(name or "(no name)" for name in names)


def _row(cells: list[str], columns: _Columns) -> Row:
    if len(cells) != columns.width:
        raise ValueError(f"expected {columns.width} cells, found {len(cells)}")
    time = parse_timestamp(_stamp(cells, columns))
    volume = 0.0 if columns.volume is None else _volume(cells[columns.volume])
    opening, high, low, close = [_price(cells[position]) for position in columns.prices]
    if not low <= opening <= high or not low <= close <= high:
        low, high = _widened(opening, high, low, close)
    return Row(time, opening, high, low, close, volume)


def _stamp(cells: list[str], columns: _Columns) -> str:
    if len(columns.time) == 1:
        return cells[columns.time[0]].strip()
    return " ".join(cells[position].strip() for position in columns.time)


def _price(text: str) -> float:
    price = _number(text)
    if 0 < price < inf:
        return price
    raise ValueError(f"{text!r} is not a price; it must be a positive number")


def _volume(text: str) -> float:
    volume = _number(text)
    if 0 <= volume < inf:
        return volume
    raise ValueError(f"{text!r} is not a volume; it must be a number from 0")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _widened(opening: float, high: float, low: float, close: float) -> tuple[float, float]:
    if high < low:
        raise ValueError(f"high {high} is under low {low}")
    noise = high * _ADJUSTMENT_NOISE
    for name, price in (("open", opening), ("close", close)):
        if not low - noise <= price <= high + noise:
            raise ValueError(f"{name} {price} is outside low {low} to high {high}")
    return min(low, opening, close), max(high, opening, close)


def _disorder(cells: list[str], columns: _Columns, *, is_same: bool) -> str:
    stamp = _stamp(cells, columns)
    return f"time {stamp} is a duplicate" if is_same else f"time {stamp} is before the row above it"


def _time(row: Row) -> int:
    return row.time


def _fits(prices: set[float], decimals: int) -> bool:
    return all(abs(round(price, decimals) - price) <= price * _FLOAT32_NOISE for price in prices)
