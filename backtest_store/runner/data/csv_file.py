"""Read bars, quotes or trades from a CSV file, and refuse what would quietly spoil a backtest."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.timestamps import NANOSECONDS, parse_timestamp
from backtest_store.suggestions import did_you_mean

Kind = Literal["bars", "quotes", "trades"]

# The prices that make a file what it is, and the sizes that may be missing.
_FIELDS: dict[Kind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bars": (("open", "high", "low", "close"), ("volume",)),
    "quotes": (("bid", "ask"), ("bid_size", "ask_size")),
    "trades": (("price",), ("size",)),
}
_ALSO_CALLED = {
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
    "volume": ("vol", "v"),
    "bid": ("bid_price",),
    "ask": ("ask_price",),
    "bid_size": ("bid_qty", "bid_volume"),
    "ask_size": ("ask_qty", "ask_volume"),
    "size": ("quantity", "qty", "amount"),
    "side": ("aggressor", "aggressor_side"),
}
_FIELD_OF = {name: field for field, names in _ALSO_CALLED.items() for name in names}
_TIMES = (("timestamp",), ("datetime",), ("date", "time"), ("date",), ("time",))
# Files that went through 32-bit floats are off by up to 6e-8 of a price.
_FLOAT32_NOISE = 1e-7
_ADJUSTMENT_NOISE = 1e-6
_MOST_DECIMALS = 9
_MOST_NAMED = 8  # files of a folder
_GZIP_MAGIC = b"\x1f\x8b"

_SIDES = {"buy": 1, "b": 1, "buyer": 1, "sell": -1, "s": -1, "seller": -1, "": 0}
_UNITS = ((604_800, "WEEK", 1), (86_400, "DAY", 1), (3_600, "HOUR", 24), (60, "MINUTE", 60),
          (1, "SECOND", 60))  # fmt: skip


class Columns(NamedTuple):
    """What a file holds, what its cells are, and which of them are the time of a row."""

    kind: Kind
    fields: list[str]
    time: tuple[str, ...]


class Row(NamedTuple):
    """One row: nanoseconds since 1970 in UTC, its prices, the units of each, and who began it.

    Of a bar the prices are open, high, low and close, of a quote bid and ask. `side` is 1 for a
    trade that a buyer began, -1 for a seller's, 0 where that is not known.
    """

    time: int
    prices: tuple[float, ...]
    sizes: tuple[float, ...]
    side: int = 0


@dataclass(frozen=True)
class PriceSeries:
    """What a CSV file holds, in order of time."""

    path: Path  # the file that the rows are from
    fingerprint: str  # SHA-256, in hex, of the file's text, however it is compressed
    kind: Kind  # `bars`, `quotes` or `trades`
    rows: list[Row]  # at least one
    has_sizes: bool  # whether any volume or size is known; without it they are 0 throughout
    is_dated: bool  # whether all times are whole days

    @cached_property
    def decimals(self) -> int:
        """The fewest decimals, from 2 to 9, that hold each price as well as a float32."""
        prices = {price for row in self.rows for price in row.prices}
        return next((n for n in range(2, _MOST_DECIMALS) if _fits(prices, n)), _MOST_DECIMALS)

    @cached_property
    def bar(self) -> str | None:
        """The kind of bar that the times are most often apart by; None if there is none."""
        gaps = Counter(
            after.time - before.time
            for before, after in zip(self.rows, self.rows[1:], strict=False)
        )
        seconds, rest = divmod(gaps.most_common(1)[0][0], NANOSECONDS) if gaps else (0, 0)
        for length, name, whole in _UNITS:
            step, left = divmod(seconds, length)
            if step and not left and not rest and whole % step == 0:
                return f"{step}-{name}-LAST"
        return None


def load_csv(path: Path) -> PriceSeries:
    """Read a CSV file of bars, quotes or trades.

    The first line names the columns, in any order and case: a time (``timestamp``, ``datetime``,
    ``date``, ``time``, or a ``date`` and a ``time``), and ``open``, ``high``, ``low``, ``close``
    and ``volume``, or their first letters, of bars; ``bid``, ``ask``, ``bid_size`` and
    ``ask_size`` of quotes; ``price``, ``size`` and ``side`` of trades. Others are ignored, sizes
    may be missing. Cells are separated by commas, semicolons or tabs. The file may be gzipped.
    Where an open or close leaves the range from low to high by at most one part in a million, as
    adjusted prices do, the range is widened.
    """
    text = _text(_read(path), path)
    kind, rows = _rows(text, path)
    if not rows:
        raise UsageError(f"{path} has no rows under its header")
    return PriceSeries(
        path,
        hashlib.sha256(text.encode()).hexdigest(),
        kind,
        rows,
        has_sizes=any(any(row.sizes) for row in rows),
        is_dated=all(row.time % (86_400 * NANOSECONDS) == 0 for row in rows),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        if path.name in BUNDLED_DATA:
            write = f'; write source = "{path.name}" for the bundled data'
        else:
            write = did_you_mean(
                path.name, [p.name for p in path.parent.glob("*.csv*")][:_MOST_NAMED]
            )
        raise UsageError(f"no file {path}{write}") from None
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


def _rows(text: str, path: Path) -> tuple[Kind, list[Row]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = next(filter(None, lines), None)
        if header is None:
            raise UsageError(f"{path} is empty")
        columns = _columns(header)
        return columns.kind, list(_ordered(filter(None, lines), columns))
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {max(lines.line_num, 1)}: {error}") from None


def _columns(header: list[str]) -> Columns:
    """Find the columns by the names in a file's first line."""
    names = [name.strip(" <>").lower() for name in header]
    listed = ", ".join(name or "(no name)" for name in names)
    fields = [_FIELD_OF.get(name, name) for name in names]
    kind = _kind(set(fields))
    if kind == "trades":
        fields = ["size" if field == "volume" else field for field in fields]
    time = next((time for time in _TIMES if set(time) <= set(fields)), None)
    if time is None:
        raise ValueError(f"no column named timestamp, datetime, date or time; found {listed}")
    prices, sizes = _FIELDS[kind]
    for field in prices:
        if field not in fields:
            raise ValueError(
                f"no column named {field}; write it in the first line, which has {listed}"
            )
    for field in (*time, *prices, *sizes, *(["side"] if kind == "trades" else [])):
        if fields.count(field) > 1:
            raise ValueError(f"more than one column for {field}; found {listed}")
    return Columns(kind, fields, time)


def _kind(fields: set[str]) -> Kind:
    """Tell from its columns what a file holds."""
    found: Kind = "quotes" if fields & {"bid", "ask"} else "bars"
    return next((kind for kind, (prices, _) in _FIELDS.items() if set(prices) <= fields), found)


def _ordered(lines: Iterator[list[str]], columns: Columns) -> Iterator[Row]:
    before: int | None = None
    for cells in lines:
        if len(cells) != len(columns.fields):
            raise ValueError(f"expected {len(columns.fields)} cells, found {len(cells)}")
        held = dict(zip(columns.fields, cells, strict=True))
        stamp = " ".join(held[field].strip() for field in columns.time)
        row = _row(stamp, held, columns.kind)
        if before is not None and row.time < before:
            raise ValueError(f"time {stamp} is before the row above it")
        if row.time == before and columns.kind == "bars":
            raise ValueError(f"time {stamp} is a duplicate")
        yield row
        before = row.time


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


def _row(stamp: str, held: dict[str, str], kind: Kind) -> Row:
    prices, sizes = _FIELDS[kind]
    return Row(
        parse_timestamp(stamp),
        _CHECKS[kind](tuple(_price(held[field]) for field in prices)),
        tuple(_volume(held[field]) if field in held else 0.0 for field in sizes),
        _side(held.get("side", "")) if kind == "trades" else 0,
    )


def _side(text: str) -> int:
    if text.strip().lower() not in _SIDES:
        raise ValueError(f"{text!r} is not a side; it must be buy or sell")
    return _SIDES[text.strip().lower()]


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


def _widened(prices: Sequence[float]) -> tuple[float, ...]:
    opening, high, low, close = prices
    if high < low:
        raise ValueError(f"high {high} is under low {low}")
    noise = high * _ADJUSTMENT_NOISE
    for name, price in (("open", opening), ("close", close)):
        if not low - noise <= price <= high + noise:
            raise ValueError(f"{name} {price} is outside low {low} to high {high}")
    return opening, max(high, opening, close), min(low, opening, close), close


def _uncrossed(prices: Sequence[float]) -> tuple[float, ...]:
    bid, ask = prices
    if ask < bid:
        raise ValueError(f"ask {ask} is under bid {bid}")
    return bid, ask


_CHECKS: dict[Kind, Callable[[Sequence[float]], tuple[float, ...]]] = {
    "bars": _widened,
    "quotes": _uncrossed,
    "trades": tuple,
}


def _fits(prices: set[float], decimals: int) -> bool:
    return all(abs(round(price, decimals) - price) <= price * _FLOAT32_NOISE for price in prices)
