"""Write the short form of a config in NautilusTrader's own terms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nautilus_trader.model.instruments import Instrument

from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.config import Config
from backtest_store.runner.config.file import KeyPath
from backtest_store.runner.config.long_form import parse_run_config
from backtest_store.runner.config.short_form import (
    DataConfig,
    InstrumentConfig,
    StrategyConfig,
    VenueConfig,
)
from backtest_store.runner.config.strategy_classes import StrategyClasses, find_strategy
from backtest_store.runner.config.strategy_parameters import (
    Traded,
    check_position,
    strategy_parameters,
)
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.config.timestamps import NANOSECONDS
from backtest_store.runner.data.instruments import (
    Described,
    build_instrument,
    check_tradable,
    name_from_file,
)
from backtest_store.runner.data.made_catalogs import (
    Recipe,
    bars_files,
    catalog_of,
    metadata_of,
    newest_instrument,
    read_series,
)

_DATA = "nautilus_trader.model.data"
_CLASSES = {"bars": f"{_DATA}:Bar", "quotes": f"{_DATA}:QuoteTick", "trades": f"{_DATA}:TradeTick",
            "deltas": f"{_DATA}:OrderBookDelta"}  # fmt: skip
_MODELS, _CONFIGS = "nautilus_trader.backtest.models", "nautilus_trader.backtest.config"
_OURS = "backtest_store.runner.venue_models"
_OTHER_SIDE = {"BID": "ASK", "ASK": "BID"}
_QUIET = {"bypass_logging": True}
COSTS_NOTHING = (
    "trading costs nothing here, and orders fill at the very close that made them: set"
    ' venue.taker_fee, venue.slippage_ticks or venue.fill = "next_open"'
)


@dataclass(frozen=True)
class Backtest:
    """A backtest in NautilusTrader's terms, and what its run is stored with.

    Parameters
    ----------
    run_config : dict
        What `BacktestRunConfig.parse` reads.
    name, type, note : str, optional
        What the run is listed under, and a remark.
    tags : list of str
        Labels.
    data_source : str, optional
        Bundled data's name, or the paths of files and catalogs.
    remarks : list of str
        What whoever runs it should know before they believe the result.
    """

    run_config: Json
    name: str | None = None
    type: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    data_source: str | None = None
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """One [[data]] of the short form: the instrument, the entries that load it, what is traded."""

    instrument: Instrument
    entries: list[Json]
    traded: Traded
    source: str
    remarks: list[str]


def expand(config: Config) -> Backtest:
    """Return what a config asks for, as NautilusTrader is told it.

    Raises
    ------
    UsageError
        If a class cannot be imported, the data cannot be read, or parts do not fit together.
    """
    if config.is_long:
        return _expand_long(config)
    short = config.short
    pieces = [_piece(config, data, place) for place, data in enumerate(short.data)]
    for piece in pieces:
        check_tradable(piece.instrument, short.venue)
    classes = [find_strategy(s, config.directory) for s in short.strategies]
    strategies = [
        _strategy(strategy, found, pieces, config, place)
        for place, (strategy, found) in enumerate(zip(short.strategies, classes, strict=True))
    ]
    content: Json = {
        "venues": _venues(short.venue, pieces),
        "data": [entry for piece in pieces for entry in piece.entries],
        "engine": {"logging": _QUIET} | short.engine | {"strategies": strategies},
    }
    names = [found.name for found in classes]
    return Backtest(
        json.loads(parse_run_config(content, config.origin).json()),
        name=short.name or ", ".join(dict.fromkeys(names)),
        type=short.type or classes[0].strategy_type,
        note=short.note,
        tags=short.tags,
        data_source=", ".join(dict.fromkeys(piece.source for piece in pieces)),
        remarks=[*_remarks(short.venue), *(r for piece in pieces for r in piece.remarks)],
    )


def _expand_long(config: Config) -> Backtest:
    from backtest_store.runner.config.config import DETAILS
    from backtest_store.runner.config.strategy_classes import make_importable

    content = {key: value for key, value in config.content.items() if key not in DETAILS}
    make_importable([config.directory, Path.cwd()])
    for place, entry in enumerate(content.get("data") or []):
        if isinstance(entry, dict) and isinstance(entry.get("catalog_path"), str):
            _check_catalog(entry, config, ("data", place, "catalog_path"))
    engine = content.get("engine")
    if engine is None or (isinstance(engine, dict) and engine.get("logging") is None):
        content["engine"] = (engine or {}) | {"logging": _QUIET}
    run_config = parse_run_config(content, config.origin)
    return Backtest(json.loads(run_config.json()), **config.details)


def _check_catalog(entry: Json, config: Config, keys: KeyPath) -> None:
    path = entry["catalog_path"]
    if entry.get("catalog_fs_protocol") not in (None, "file", "local") or "://" in path:
        return
    place = config.locate(Path(path))
    if not place.is_dir():
        raise UsageError(f"{config.origin.at(keys)}: catalog_path: no folder {place}")
    entry["catalog_path"] = str(place)


def _remarks(venue: VenueConfig) -> list[str]:
    if not venue.is_free:
        return []
    return [COSTS_NOTHING]


def _piece(config: Config, data: DataConfig, place: int) -> _Piece:
    keys = ("data", place) if isinstance(config.content.get("data"), list) else ("data",)
    try:
        return _from_catalog(config, data) if data.catalog else _from_file(config, data)
    except UsageError as error:
        if str(error).startswith(config.origin.name):
            raise
        raise UsageError(f"{config.origin.at(keys)}: {error}", hint=error.hint) from None


def _from_file(config: Config, data: DataConfig) -> _Piece:
    bundled = BUNDLED_DATA.get(data.source or "")
    path = bundled.path if bundled else config.locate(data.path or Path())
    series = read_series(path)
    instrument_id = data.instrument or (bundled.instrument if bundled else _named_by(path))
    section = _section(config, instrument_id)
    if bundled and section.type is None:
        section = section.model_copy(update={"type": bundled.instrument_type})
    currency = bundled.currency if bundled else config.short.venue.currency
    described = Described(instrument_id, section, currency, series.decimals)
    instrument = build_instrument(described)
    remarks: list[str] = []
    if series.kind == "bars":
        spec = data.bar or (bundled.bar if bundled else series.bar())
        if spec is None:
            raise UsageError(f'the times in {path} tell no kind of bar; write bar = "1-DAY"')
        bar_types = [f"{instrument_id}-{spec}-EXTERNAL"]
        stamped = data.timestamp or (bundled.timestamp if bundled else "open")
        if data.timestamp is None and bundled is None and not series.is_dated:
            remarks.append(
                f"{path.name}: times are taken for the beginnings of bars; if they are their ends,"
                ' write timestamp = "close"'
            )
    else:
        bar_types, stamped, spec = [], "close", data.bar
    if series.rows[0].time < 0 and (data.first_moment is None or data.first_moment < 0):
        raise UsageError(f"{path} begins before 1970, NautilusTrader does not; set data.start")
    recipe = Recipe(
        str(path),
        type(instrument).to_dict(instrument),
        bar_types,
        is_stamped_at_open=stamped == "open",
        has_opens=config.short.venue.fill == "next_open" and bool(bar_types),
    )
    entries = _entries_of(recipe, data, series.kind)
    traded = Traded(instrument_id, bar_types[0] if bar_types else _internal(instrument_id, spec))
    return _Piece(instrument, entries, traded, data.source or str(path), remarks)


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


def _from_catalog(config: Config, data: DataConfig) -> _Piece:
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
        return _Piece(instrument, entries, traded, str(path), [])
    entry = {"catalog_path": str(path), "data_cls": _CLASSES[data.type]}
    entry |= _range(data, shift=data.type == "bars")
    named = {"bar_types": wanted} if wanted else {"instrument_id": instrument_id}
    return _Piece(instrument, [entry | named], traded, str(path), [])


def _copied(
    path: Path, instrument: Instrument, bar_type: str, config: Config, data: DataConfig
) -> list[Json]:
    """Return what loads bars from a catalog of their own.

    A node reads all bars of an instrument that a catalog has, whichever it is asked for.
    """
    has_opens = config.short.venue.fill == "next_open"
    if has_opens and bar_type.split("-")[-2] in _OTHER_SIDE:
        raise UsageError('venue.fill: "next_open" needs bars of LAST or MID prices')
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
    found = {f.name for f in (path / "data" / "bar").iterdir() if f.name.startswith(prefix)}
    return len(wanted) > 1 or found != {bar_type.replace("/", "") for bar_type in wanted}


def _check_bars(path: Path, bar_type: str) -> None:
    folder = path / "data" / "bar"
    if not folder.is_dir():
        raise UsageError(f"{path} is not a NautilusTrader catalog with bars")
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
                raise UsageError(
                    f"instrument.{key}: the catalog's bars have {expected} decimals, was {actual}"
                )
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
    common = {"catalog_path": str(catalog_of(recipe)), "metadata": metadata_of(recipe)}
    instrument_id = recipe.instrument["id"]
    common |= _range(data, shift=bool(recipe.bar_types))
    entries = [common | {"data_cls": _CLASSES["bars"], "bar_types": [b]} for b in recipe.bar_types]
    if recipe.has_opens or not entries:
        ticks = "trades" if recipe.has_opens else kind
        entries.append(common | {"data_cls": _CLASSES[ticks], "instrument_id": instrument_id})
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


def _venues(venue: VenueConfig, pieces: Sequence[_Piece]) -> list[Json]:
    names = dict.fromkeys(piece.instrument.id.venue.value for piece in pieces)
    if len(names) > 1:
        raise UsageError(
            f"the short form has one venue, and the data is of {', '.join(names)}; write the long"
            " form, with [[venues]]"
        )
    settings: Json = {
        "name": next(iter(names)),
        "oms_type": venue.oms_type,
        "account_type": venue.account_type,
        "book_type": venue.book_type,
        "starting_balances": [venue.starting_balance],
        "base_currency": venue.currency,
        "default_leverage": venue.leverage,
        "trade_execution": True,
        "fill_model": _fill_model(venue),
        "fee_model": _fee_model(venue),
    }
    if venue.account_type == "MARGIN":
        settings["modules"] = [_importable("actor", _OURS, "MarginCheck", _OURS, {})]
    if venue.fill == "next_open":
        latency = {"base_latency_nanos": 1}
        settings["latency_model"] = _importable("latency_model", _MODELS, "LatencyModel", _CONFIGS, latency)  # fmt: skip  # noqa: E501
    return [settings]


def _fill_model(venue: VenueConfig) -> Json:
    seed = {"random_seed": venue.random_seed}
    if venue.slippage_ticks or venue.slippage_fraction:
        config = seed | {"ticks": venue.slippage_ticks, "fraction": venue.slippage_fraction}
        return _importable("fill_model", _OURS, "SlippageFillModel", _OURS, config)
    config = seed | {"prob_slippage": venue.slippage_probability}
    return _importable("fill_model", _MODELS, "FillModel", _CONFIGS, config)


def _fee_model(venue: VenueConfig) -> Json:
    for name, fee in (("PerContractFeeModel", venue.fee_per_unit), ("FixedFeeModel", venue.fee_per_order)):  # fmt: skip  # noqa: E501
        if fee is not None:
            return _importable("fee_model", _MODELS, name, _CONFIGS, {"commission": fee})
    if venue.maker_fee is None and venue.taker_fee is None:
        return _importable("fee_model", _MODELS, "MakerTakerFeeModel", _CONFIGS, {})
    rates = {"maker_fee": str(venue.maker_fee or 0), "taker_fee": str(venue.taker_fee or 0)}
    return _importable("fee_model", _OURS, "RateFeeModel", _OURS, rates)


def _importable(kind: str, module: str, name: str, config_module: str, config: Json) -> Json:
    return {
        f"{kind}_path": f"{module}:{name}",
        "config_path": f"{config_module}:{name}Config",
        "config": config,
    }


def _strategy(
    strategy: StrategyConfig,
    classes: StrategyClasses,
    pieces: Sequence[_Piece],
    config: Config,
    place: int,
) -> Json:
    traded = [piece.traded for piece in pieces]
    is_alone = "strategies" not in config.content
    keys: KeyPath = ("parameters",) if is_alone else ("strategies", place, "parameters")
    try:
        made = strategy_parameters(strategy.parameters, classes, traded, keys, config.origin)
        named = str(getattr(made, "instrument_id", ""))
        piece = next((p for p in pieces if p.traded.instrument_id == named), pieces[0])
        check_position(made, piece.traded, config.short.venue, piece.instrument)
    except StoreError as error:
        raise UsageError(f"{error}", hint=error.hint) from None
    values: Json = made.json_primitives()
    kept = values if is_alone else _without_shared_tag(values, place)
    return {
        "strategy_path": classes.strategy_path,
        "config_path": classes.config_path,
        "config": kept,
    }


def _without_shared_tag(values: Json, place: int) -> Json:
    """Give each of several strategies an order id tag of its own, as NautilusTrader demands."""
    tag = values.get("order_id_tag") or f"{place:03d}"
    return values | {"order_id_tag": tag}
