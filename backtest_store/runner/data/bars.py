"""Load the bars of a backtest, from wherever its config says they are."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity

from backtest_store.errors import UsageError
from backtest_store.runner.config.config import BacktestConfig
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.data.catalog_bars import (
    catalog_fingerprint,
    load_catalog_bars,
    load_catalog_instrument,
)
from backtest_store.runner.data.csv_bars import PriceSeries, Row, load_csv
from backtest_store.runner.data.instruments import build_instrument, check_tradable, with_fees

# Where a file tells no volume, this many units, so that the volume bounds no order.
_UNKNOWN_VOLUME = 1_000_000_000


@dataclass(frozen=True)
class LoadedBars:
    """Bars in order of time, at least one, and the instrument that they price.

    `source` names where they are from: bundled data, a file or a catalog.
    """

    bars: list[Bar]
    instrument: Instrument
    source: str
    fingerprint: str


def load_bars(config: BacktestConfig) -> LoadedBars:
    """Load what the config's data section asks for.

    Raises
    ------
    UsageError
        If the data cannot be read, does not fit the instrument, or has no bar in the range.
    """
    catalog = config.data.catalog
    loaded = _from_catalog(config, config.locate(catalog)) if catalog else _from_file(config)
    if not loaded.bars:
        start, end = config.data.start or "the start", config.data.end or "the end"
        raise UsageError(f"{loaded.source} has no bars from {start} to {end}")
    return loaded


def _from_file(config: BacktestConfig) -> LoadedBars:
    data = config.data
    path = data.bundled.path if data.path is None else config.locate(data.path)
    series = _series(path)
    instrument = build_instrument(config, series.decimals)
    chosen = series.between(data.first_moment, data.last_moment)
    bars = _to_bars(chosen, BarType.from_str(data.bar_type), instrument)
    return LoadedBars(bars, instrument, data.source or str(path), series.fingerprint)


def _series(path: Path) -> PriceSeries:
    try:
        status = path.stat()
    except OSError:
        return load_csv(path)  # it says what is wrong
    return _unchanged_series(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)
def _unchanged_series(path: Path, _modified: int, _size: int) -> PriceSeries:
    """Read a file once for the backtests of a process, whatever dates each takes of it."""
    return load_csv(path)


def _to_bars(series: PriceSeries, bar_type: BarType, instrument: Instrument) -> list[Bar]:
    unknown = Quantity(_UNKNOWN_VOLUME, instrument.size_precision)
    bars = []
    for row in series.rows:
        try:
            volume = Quantity(row.volume, instrument.size_precision)
            prices = _prices(row, instrument.price_precision)
        except ValueError as error:
            raise UsageError(f"{series.path}, bar of {to_datetime(row.time)}: {error}") from None
        bars.append(
            Bar(bar_type, *prices, volume if series.has_volume else unknown, row.time, row.time)
        )
    return bars


def _prices(row: Row, precision: int) -> list[Price]:
    if row.time < 0:
        raise ValueError("NautilusTrader has no time before 1970; set data.start")
    prices = [Price(price, precision) for price in row[1:5]]
    if not all(price.raw for price in prices):
        raise ValueError(f"low {row.low} is 0 at price_precision {precision}")
    return prices


def _from_catalog(config: BacktestConfig, path: Path) -> LoadedBars:
    bars = load_catalog_bars(path, config.data)
    instrument = _catalog_instrument(config, path, bars)
    check_tradable(instrument, config.venue)
    return LoadedBars(bars, instrument, str(path), catalog_fingerprint(path, config.data))


def _catalog_instrument(config: BacktestConfig, path: Path, bars: list[Bar]) -> Instrument:
    if config.instrument.model_fields_set and bars:
        built = build_instrument(config, lambda: bars[0].open.precision)
        _check_precision(built, bars[0])
        return built
    found = load_catalog_instrument(path, config.data.instrument_id)
    if found is None:
        raise UsageError(
            f"{path} has no instrument {config.data.instrument_id}",
            hint="describe it in the config's [instrument] section",
        )
    return with_fees(found, config.venue)


def _check_precision(instrument: Instrument, bar: Bar) -> None:
    for key, expected, found in (
        ("price_precision", bar.open.precision, instrument.price_precision),
        ("size_precision", bar.volume.precision, instrument.size_precision),
    ):
        if found != expected:
            raise UsageError(
                f"instrument.{key}: the catalog's bars have {expected} decimals, was {found}"
            )
