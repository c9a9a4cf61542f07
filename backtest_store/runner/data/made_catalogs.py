"""Catalogs that are made of files, so that NautilusTrader itself can read them.

Each is in ``BTSTORE_HOME/catalogs``, in a folder named by a digest of all that it is made of, and
never changes. The configuration of a run names it, and beside it, in `metadata`, what it was made
of, so that it can be made again where it is gone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from nautilus_trader.model import (
    Bar,
    BarType,
    InstrumentId,
    Price,
    Quantity,
    QuoteTick,
    TradeId,
    TradeTick,
)

from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.config.timestamps import NANOSECONDS, to_datetime
from backtest_store.runner.data.csv_file import PriceSeries, Row, load_csv
from backtest_store.runner.nautilus_names import (
    BARS_FOLDER,
    BUYER,
    SELLER,
    AggressorSide,
    Instrument,
    ParquetDataCatalog,
    instrument_of,
    read_bars,
    write,
)
from backtest_store.store.settings import home

MADE_OF = "made_of"
# Where a file tells no volume, this many units, so that the volume bounds no order.
_PLENTY = 1_000_000_000
_SIDES = {1: BUYER, -1: SELLER, 0: AggressorSide.NO_AGGRESSOR}


@dataclass(frozen=True)
class Recipe:
    """What a catalog is made of."""

    path: str  # a CSV file, or the catalog that the bars are copied from
    instrument: Json  # as NautilusTrader writes it
    bar_types: list[str]  # the bars, in NautilusTrader's words; none for quotes and trades
    # whether the file has the beginnings of bars, so that they are moved to their ends
    is_stamped_at_open: bool = False
    has_opens: bool = False  # whether a trade at each bar's opening price comes with the bar
    # what is copied of another catalog; a file is read whole
    start: str | None = None
    end: str | None = None


def read_series(path: Path) -> PriceSeries:
    """Read a CSV file once for as long as it does not change."""
    try:
        status = path.stat()
    except OSError:
        return load_csv(path)  # it says what is wrong
    return _unchanged_series(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _unchanged_series(path: Path, _modified: int, _size: int) -> PriceSeries:
    return load_csv(path)


def catalog_of(recipe: Recipe) -> Path:
    """Return the catalog made by a recipe, and make it if it is not there yet."""
    path = Path(recipe.path)
    series = None if path.is_dir() else read_series(path)
    content = series.fingerprint if series else _files_digest(path, recipe)
    substance = asdict(recipe) | {"path": content, "layout": BARS_FOLDER}
    digest = hashlib.sha256(json.dumps(substance, sort_keys=True).encode()).hexdigest()
    place = home() / "catalogs" / digest[:32]
    if place.is_dir():
        return place
    instrument = instrument_of(recipe.instrument["type"], recipe.instrument)
    if series is not None:
        made = _from_rows(series, recipe, instrument)
    else:
        bars = read_bars(recipe.path, recipe.bar_types, recipe.start, recipe.end)
        made = _with_opens(bars, recipe, instrument)
    try:
        _write(place, [[instrument], *made])
    except OSError as error:
        raise StoreError(
            f"cannot write the data as a catalog in {place.parent}: {error.strerror}",
            hint="set BTSTORE_HOME to a folder that you may write to, with space in it",
        ) from error
    return place


def restored(data: Json) -> Json:
    """Return a run's data entry with its catalog made anew if that is not as it was."""
    made_of = (data.get("metadata") or {}).get(MADE_OF)
    if not isinstance(made_of, dict):
        return data
    recipe = Recipe(**made_of)
    if Path(recipe.path).exists():
        return data | {"catalog_path": str(catalog_of(recipe))}
    if not Path(str(data["catalog_path"])).is_dir():
        raise StoreError(f"the run's data is not there any more: no {recipe.path}")
    return data


def bars_files(path: Path, bar_type: str) -> list[Path]:
    """Return the files of a catalog that hold some kind of bar."""
    return sorted((path / "data" / BARS_FOLDER / bar_type.replace("/", "")).glob("*.parquet"))


def _files_digest(path: Path, recipe: Recipe) -> str:
    """Digest the files that hold some of what is copied; those of other times do not count."""
    digest = hashlib.sha256()
    for bar_type in recipe.bar_types:
        for file in bars_files(path, bar_type):
            if _is_within(file, recipe):
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_within(file: Path, recipe: Recipe) -> bool:
    # A file's name is the times of its first and last bars, in a form that sorts as text.
    first, _, last = file.stem.partition("_")
    starts_late = recipe.end is not None and first > _as_in_names(recipe.end)
    ends_early = recipe.start is not None and last < _as_in_names(recipe.start)
    return not starts_late and not ends_early


def _as_in_names(time: str) -> str:
    return time.replace(":", "-").replace(".", "-").replace("+00-00", "Z")


def _write(place: Path, content: Sequence[list[Any]]) -> None:
    """Write a catalog as a whole: it is not there before all of it is."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = Path(mkdtemp(prefix="unfinished-", dir=place.parent))
    try:
        catalog = ParquetDataCatalog(str(unfinished))
        for data in content:
            write(catalog, data)
        with suppress(OSError):  # another process was faster
            unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _with_opens(bars: list[Bar], recipe: Recipe, instrument: Instrument) -> list[list[Any]]:
    groups = [bars, list(_opens(bars, instrument))] if recipe.has_opens else [bars]
    return [group for group in groups if group]


def _from_rows(series: PriceSeries, recipe: Recipe, instrument: Instrument) -> list[list[Any]]:
    rows = [row for row in series.rows if row.time >= 0]
    if series.kind == "bars":
        bar_type = BarType.from_str(recipe.bar_types[0])
        shift = _length(bar_type) if recipe.is_stamped_at_open else 0
        bars = _each(series, rows, lambda row: _bar(row, bar_type, shift, instrument, series))
        return _with_opens(bars, recipe, instrument)
    make = _quote if series.kind == "quotes" else _trade
    return [_each(series, rows, lambda row: make(row, instrument, series))]


def _each(series: PriceSeries, rows: Sequence[Row], make: Callable[[Row], Any]) -> list[Any]:
    made = []
    for row in rows:
        try:
            made.append(make(row))
        except ValueError as error:
            what = series.kind.removesuffix("s")
            raise UsageError(f"{series.path}, {what} of {to_datetime(row.time)}: {error}") from None
    return made


def _length(bar_type: BarType) -> int:
    return int(bar_type.spec.timedelta.total_seconds()) * NANOSECONDS


def _bar(
    row: Row, bar_type: BarType, shift: int, instrument: Instrument, series: PriceSeries
) -> Bar:
    """Return the bar of a row, at the time when it closes."""
    volume, time = _size(row.sizes[0], instrument, series), row.time + shift
    return Bar(bar_type, *_prices(row, instrument), volume, time, time)


def _opens(bars: Sequence[Bar], instrument: Instrument) -> Iterator[TradeTick]:
    """Yield a trade at each bar's opening price, after the bar before has closed.

    An order that was made at a close, and reached the venue a nanosecond later, fills there.
    """
    before = -1
    for number, bar in enumerate(bars):
        time = max(bar.ts_init - _length(bar.bar_type), before + 1, 0)
        plenty = Quantity(_PLENTY, instrument.size_precision)
        yield TradeTick(
            instrument.id, bar.open, plenty, AggressorSide.NO_AGGRESSOR, TradeId(str(number)),
            time, time,
        )  # fmt: skip
        before = bar.ts_init


def _quote(row: Row, instrument: Instrument, series: PriceSeries) -> QuoteTick:
    sizes = [_size(size, instrument, series) for size in row.sizes]
    return QuoteTick(instrument.id, *_prices(row, instrument), *sizes, row.time, row.time)


def _trade(row: Row, instrument: Instrument, series: PriceSeries) -> TradeTick:
    (price,) = _prices(row, instrument)
    size = _size(row.sizes[0], instrument, series)
    name = TradeId(str(row.time))
    return TradeTick(instrument.id, price, size, _SIDES[row.side], name, row.time, row.time)


def _size(size: float, instrument: Instrument, series: PriceSeries) -> Quantity:
    return Quantity(size if series.has_sizes else _PLENTY, instrument.size_precision)


def _prices(row: Row, instrument: Instrument) -> list[Price]:
    precision = instrument.price_precision
    prices = [Price(price, precision) for price in row.prices]
    if not all(price.raw for price in prices):
        raise ValueError(f"low {min(row.prices)} is 0 at price_precision {precision}")
    return prices


def newest_instrument(path: Path, instrument_id: str) -> Instrument | None:
    """Return a catalog's instrument, the newest definition if it has several, or None."""
    wanted = [InstrumentId.from_str(instrument_id).value]
    found = ParquetDataCatalog(str(path)).instruments(instrument_ids=wanted)
    return max(found, key=attrgetter("ts_init"), default=None)
