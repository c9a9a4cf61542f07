"""Read bars and their instrument from a NautilusTrader Parquet catalog."""

import hashlib
from operator import attrgetter
from pathlib import Path

from nautilus_trader.model.data import Bar
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from backtest_store.errors import UsageError
from backtest_store.runner.config.sections import DataConfig
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.config.timestamps import to_datetime

_OTHER_SIDE = {"BID": "ASK", "ASK": "BID"}


def catalog_bar_types(data: DataConfig) -> list[str]:
    """Return the bars to load: those asked for, and of quotes the other side, to fill orders."""
    spec, _, price_type = data.bar_spec.rpartition("-")
    if price_type not in _OTHER_SIDE:
        return [data.bar_type]
    other = f"{data.instrument_id}-{spec}-{_OTHER_SIDE[price_type]}-EXTERNAL"
    return [data.bar_type, other]


def load_catalog_bars(path: Path, data: DataConfig) -> list[Bar]:
    """Return the bars in order of time.

    Raises
    ------
    UsageError
        If there is no such catalog or it has no such bars.
    """
    for bar_type in catalog_bar_types(data):
        _check_exists(path, bar_type)
    start = None if data.first_moment is None else max(0, data.first_moment)
    bars = ParquetDataCatalog(str(path)).bars(
        bar_types=catalog_bar_types(data), start=start, end=data.last_moment
    )
    # The market moves when both sides' bars are in, so the side that is traded on comes last:
    # else its orders would fill at the quotes of the bar before.
    return sorted(bars, key=lambda bar: (bar.ts_init, str(bar.bar_type) == data.bar_type))


def load_catalog_instrument(path: Path, instrument_id: str) -> Instrument | None:
    """Return the catalog's instrument, the newest definition if it has several, or None."""
    found = ParquetDataCatalog(str(path)).instruments(instrument_ids=[instrument_id])
    return max(found, key=attrgetter("ts_init"), default=None)


def catalog_fingerprint(path: Path, data: DataConfig) -> str:
    """Return the SHA-256, in hex, of the contents of the files that the bars come from.

    Files that end before the range or start after it do not count, so that a catalog which grows
    keeps the fingerprint of its past.
    """
    digest = hashlib.sha256()
    for bar_type in catalog_bar_types(data):
        files = [file for file in _files(path, bar_type) if _is_within(file, data)]
        for file in sorted(files):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _check_exists(path: Path, bar_type: str) -> None:
    if not _bar_directory(path).is_dir():
        raise UsageError(f"{path} is not a NautilusTrader catalog with bars")
    if not _files(path, bar_type):
        known = [entry.name for entry in _bar_directory(path).iterdir()]
        raise UsageError(f"{path} has no bars {bar_type}{did_you_mean(bar_type, known)}")


def _bar_directory(path: Path) -> Path:
    return path / "data" / "bar"


def _files(path: Path, bar_type: str) -> list[Path]:
    return list((_bar_directory(path) / bar_type.replace("/", "")).glob("*.parquet"))


def _is_within(file: Path, data: DataConfig) -> bool:
    # A file's name is the times of its first and last bars, in a form that sorts.
    first, _, last = file.stem.partition("_")
    starts_late = data.last_moment is not None and first > _name(data.last_moment)
    ends_early = data.first_moment is not None and last < _name(data.first_moment)
    return not starts_late and not ends_early


def _name(time: int) -> str:
    moment = to_datetime(time)
    return f"{moment:%Y-%m-%dT%H-%M-%S}-{time % 10**9:09d}Z"
