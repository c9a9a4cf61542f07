"""Find the data of the short form, and write what loads them in NautilusTrader's own terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.bundled_data import BUNDLED_DATA, Dataset
from backtest_store.runner.config.file import KeyPath, UnfitError
from backtest_store.runner.config.loading import Config
from backtest_store.runner.config.short_form import DataConfig, InstrumentConfig
from backtest_store.runner.config.timestamps import NANOSECONDS
from backtest_store.runner.data.csv_file import PriceSeries
from backtest_store.runner.data.instruments import Described, build_instrument, name_from_file
from backtest_store.runner.data.made_catalogs import (
    MADE_OF,
    Recipe,
    bars_files,
    catalog_of,
    newest_instrument,
    read_series,
)
from backtest_store.runner.nautilus_names import BARS_FOLDER, Instrument, of_kind
from backtest_store.suggestions import did_you_mean

_KINDS = {"bars": "Bar", "quotes": "QuoteTick", "trades": "TradeTick", "deltas": "OrderBookDelta"}
_FOLDERS = {"quotes": "quote", "trades": "trade", "deltas": "order_book_delta"}
_OTHER_SIDE = {"BID": "ASK", "ASK": "BID"}
_TOLD = ("path", "instrument", "bar", "timestamp")  # what bundled data need not be asked
_WHICH_END = (
    "{}: times are taken for the beginnings of bars; if they are their ends,"
    ' write timestamp = "close"'
)


@dataclass(frozen=True)
class Traded:
    """What a strategy may trade on: an instrument, and bars of it if there are any."""

    instrument_id: str
    bar_type: str | None


@dataclass(frozen=True)
class Source:
    """One [[data]] of the short form."""

    instrument: Instrument  # what is traded
    entries: list[Json]  # what loads the data, each a `BacktestDataConfig` as JSON
    traded: Traded  # what strategies are told to trade on
    name: str  # bundled data's name, or the path of a file or catalog
    remarks: list[str]  # what whoever runs it should know of the data


def find_source(config: Config, data: DataConfig, place: int) -> Source:
    """Find one [[data]] of a config, by its place among them."""
    keys = ("data", place) if isinstance(config.content.get("data"), list) else ("data",)
    with config.origin.placing(keys):
        return _from_catalog(config, data) if data.catalog else _from_file(config, data, keys)


def _from_file(config: Config, data: DataConfig, keys: KeyPath) -> Source:
    bundled = BUNDLED_DATA.get(data.source or "")
    if bundled is not None:
        data = data.model_copy(update={n: getattr(data, n) or getattr(bundled, n) for n in _TOLD})
    path = config.locate(data.path or Path())
    with config.origin.placing((*keys, "path")):
        series = read_series(path)
    instrument_id = data.instrument or _named_by(path)
    instrument = _file_instrument(config, instrument_id, series, bundled)
    is_bars = series.kind == "bars"
    spec = data.bar or (series.bar if is_bars else None)
    _check_times(series, data, spec)
    bar_types = [f"{instrument_id}-{spec}-EXTERNAL"] if is_bars else []
    recipe = Recipe(
        str(path),
        type(instrument).to_dict(instrument),
        bar_types,
        is_stamped_at_open=is_bars and data.timestamp != "close",
        has_opens=is_bars and config.short.venue.fill == "next_open",
    )
    traded = Traded(instrument_id, bar_types[0] if bar_types else _internal(instrument_id, spec))
    unsure = [_WHICH_END.format(path.name)] * (is_bars and not (data.timestamp or series.is_dated))
    entries = _entries_of(recipe, data, series.kind)
    return Source(instrument, entries, traded, data.source or str(path), unsure)


def _check_times(series: PriceSeries, data: DataConfig, spec: str | None) -> None:
    if series.kind == "bars" and spec is None:
        raise UsageError(f'the times in {series.path} tell no kind of bar; write bar = "1-DAY"')
    if series.rows[0].time < 0 and (data.first_moment is None or data.first_moment < 0):
        raise UsageError(
            f"{series.path} begins before 1970, NautilusTrader does not; set data.start"
        )


def _file_instrument(
    config: Config, instrument_id: str, series: PriceSeries, bundled: Dataset | None
) -> Instrument:
    section, currency = _section(config, instrument_id), config.short.venue.currency
    if bundled is not None:
        currency = bundled.currency
        section = section.model_copy(update={"type": section.type or bundled.instrument_type})
    return build_instrument(Described(instrument_id, section, currency, lambda: series.decimals))


def _named_by(path: Path) -> str:
    found = name_from_file(path.name)
    if found is None:
        raise UsageError(
            f"which instrument is {path.name}? Its name does not tell; write"
            ' instrument = "AAPL.XNAS"'
        )
    return found


def _internal(instrument_id: str, spec: str | None) -> str | None:
    """Name the bars that NautilusTrader makes of ticks, where a config asks for bars."""
    return None if spec is None else f"{instrument_id}-{spec}-INTERNAL"


def _section(config: Config, instrument_id: str) -> InstrumentConfig:
    sections = config.short.instruments
    named = [section for section in sections if section.id == instrument_id]
    unnamed = [section for section in sections if section.id is None]
    return next(iter([*named, *unnamed]), InstrumentConfig())


def _from_catalog(config: Config, data: DataConfig) -> Source:
    path = config.locate(data.catalog or Path())
    instrument_id = str(data.instrument)
    wanted = _wanted(data, instrument_id)
    if not (path / "data").is_dir():
        raise UsageError(f"{path} is not a NautilusTrader catalog")
    for bar_type in wanted:
        _check_bars(path, bar_type)
    instrument = _catalog_instrument(config, path, instrument_id, wanted)
    traded = Traded(instrument_id, wanted[-1] if wanted else _internal(instrument_id, data.bar))
    if wanted and (_has_others(path, instrument_id, wanted) or _is_changed(config, instrument_id)):
        entries = [e for b in wanted for e in _copied(path, instrument, b, config, data)]
        return Source(instrument, entries, traded, str(path), [])
    entry = {"catalog_path": str(path)} | of_kind(_KINDS[data.type])
    entry |= _range(data, shift=data.type == "bars")
    named = {"bar_types": wanted} if wanted else {"instrument_id": instrument_id}
    return Source(instrument, [entry | named], traded, str(path), [])


def _copied(
    path: Path, instrument: Instrument, bar_type: str, config: Config, data: DataConfig
) -> list[Json]:
    """Return what loads bars from a catalog of their own.

    A node reads all bars of an instrument that a catalog has, whichever it is asked for.
    """
    has_opens = config.short.venue.fill == "next_open"
    if has_opens and bar_type.split("-")[-2] in _OTHER_SIDE:
        raise UnfitError('"next_open" needs bars of LAST or MID prices', "venue", "fill")
    limits = _range(data, shift=True)
    recipe = Recipe(
        str(path),
        type(instrument).to_dict(instrument),
        [bar_type],
        has_opens=has_opens,
        start=limits.get("start_time"),
        end=limits.get("end_time"),
    )
    return _entries_of(recipe, data, "bars")


def _wanted(data: DataConfig, instrument_id: str) -> list[str]:
    """Return the bars to load: those asked for, and of quotes the other side, to fill orders."""
    if data.type != "bars":
        return []
    spec, _, price_type = str(data.bar).rpartition("-")
    bar_type = f"{instrument_id}-{data.bar}-EXTERNAL"
    if price_type not in _OTHER_SIDE:
        return [bar_type]
    # The market moves when both sides' bars are in, so the side that is traded on comes last:
    # else its orders would fill at the quotes of the bar before.
    return [f"{instrument_id}-{spec}-{_OTHER_SIDE[price_type]}-EXTERNAL", bar_type]


def _is_changed(config: Config, instrument_id: str) -> bool:
    """Tell whether the config wants more of bars, or another instrument, than the catalog has."""
    is_described = bool(_section(config, instrument_id).model_fields_set)
    return is_described or config.short.venue.fill == "next_open"


def _has_others(path: Path, instrument_id: str, wanted: Sequence[str]) -> bool:
    """Tell whether a catalog has other bars of the instrument, which a node would read as well."""
    prefix = instrument_id.replace("/", "") + "-"
    found = {f.name for f in (path / "data" / BARS_FOLDER).iterdir() if f.name.startswith(prefix)}
    return len(wanted) > 1 or found != {bar_type.replace("/", "") for bar_type in wanted}


def _check_bars(path: Path, bar_type: str) -> None:
    folder = path / "data" / BARS_FOLDER
    if not folder.is_dir():
        held = {name for name, start in _FOLDERS.items() if [*(path / "data").glob(f"{start}*")]}
        types = " or ".join(f'type = "{name}"' for name in sorted(held))
        raise UsageError(f"{path} has no bars; write {types or 'the path of another catalog'}")
    if not bars_files(path, bar_type):
        known = [entry.name for entry in folder.iterdir()]
        raise UsageError(f"{path} has no bars {bar_type}{did_you_mean(bar_type, known)}")


def _catalog_instrument(
    config: Config, path: Path, instrument_id: str, bar_types: Sequence[str]
) -> Instrument:
    section = _section(config, instrument_id)
    found = newest_instrument(path, instrument_id)
    if section.model_fields_set and bar_types:
        precisions = _precisions(path, bar_types[-1])
        built = build_instrument(
            Described(instrument_id, section, config.short.venue.currency, lambda: precisions[0])
        )
        for key, expected in zip(("price_precision", "size_precision"), precisions, strict=True):
            if (actual := getattr(built, key)) != expected:
                reason = f"the catalog's bars have {expected} decimals, was {actual}"
                raise UnfitError(reason, "instrument", key)
        return built
    if found is None:
        raise UsageError(
            f"{path} has no instrument {instrument_id}",
            hint="describe it in the config's [instrument] section",
        )
    return found


def _precisions(path: Path, bar_type: str) -> tuple[int, int]:
    import pyarrow.parquet as pq

    metadata = pq.read_schema(bars_files(path, bar_type)[0]).metadata
    return int(metadata[b"price_precision"]), int(metadata[b"size_precision"])


def _entries_of(recipe: Recipe, data: DataConfig, kind: str) -> list[Json]:
    """Return what loads a catalog that was made: an entry for each kind of bar, and its opens."""
    common = {"catalog_path": str(catalog_of(recipe)), "metadata": {MADE_OF: asdict(recipe)}}
    instrument_id = recipe.instrument["id"]
    common |= _range(data, shift=bool(recipe.bar_types))
    entries = [common | of_kind(_KINDS["bars"]) | {"bar_types": [b]} for b in recipe.bar_types]
    if recipe.has_opens or not entries:
        ticks = "trades" if recipe.has_opens else kind
        entries.append(common | of_kind(_KINDS[ticks]) | {"instrument_id": instrument_id})
    return entries


def _range(data: DataConfig, *, shift: bool) -> Json:
    """Return from when to when; a bar that closes at midnight belongs to the day that it closes."""
    times = {}
    if data.first_moment is not None:
        times["start_time"] = _iso(max(0, data.first_moment + shift))
    if data.last_moment is not None:
        times["end_time"] = _iso(data.last_moment + shift)
    return times


def _iso(time: int) -> str:
    seconds, rest = divmod(time, NANOSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}+00:00"
