"""Write the short form of a config in NautilusTrader's own terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import KeyPath
from backtest_store.runner.config.loading import DETAILS, Config
from backtest_store.runner.config.short_form import StrategyConfig, VenueConfig
from backtest_store.runner.config.strategy_classes import (
    StrategyClasses,
    find_strategy,
    make_importable,
)
from backtest_store.runner.config.strategy_parameters import check_position, strategy_parameters
from backtest_store.runner.data.instruments import check_tradable
from backtest_store.runner.data.sources import Source, find_source
from backtest_store.runner.nautilus_installed import run_config, venue_settings

_QUIET = {"bypass_logging": True}
COSTS_NOTHING = (
    "trading costs nothing here, and orders fill at the very close that made them: set"
    ' venue.taker_fee, venue.slippage_ticks or venue.fill = "next_open"'
)


@dataclass(frozen=True)
class Backtest:
    """A backtest in NautilusTrader's terms, and what its run is stored with."""

    run_config: Json  # what `BacktestRunConfig.parse` reads
    # what the run is listed under, and a remark
    name: str | None = None
    type: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)  # labels
    data_source: str | None = None  # bundled data's name, or the paths of files and catalogs
    # what whoever runs it should know before they believe the result
    remarks: list[str] = field(default_factory=list)


def expand(config: Config) -> Backtest:
    """Return what a config asks for, as NautilusTrader is told it.

    Classes are looked for in its directory and the working directory first, and both stay on the
    path, as a script's directory does.
    """
    make_importable(config.directory, Path.cwd())
    return _expand_long(config) if config.is_long else _expand_short(config)


def _expand_short(config: Config) -> Backtest:
    short = config.short
    sources = [find_source(config, data, place) for place, data in enumerate(short.data)]
    with config.origin.placing(("venue",)):
        for source in sources:
            check_tradable(source.instrument, short.venue)
    found = [_strategy(config, s, place, sources) for place, s in enumerate(short.strategies)]
    with config.origin.placing(("data", len(sources) - 1)):
        venue = _venue(short.venue, _venue_of(sources))
    content: Json = {
        "venues": [venue],
        "data": [entry for source in sources for entry in source.entries],
        "engine": {"logging": _QUIET}
        | short.engine
        | {"strategies": [importable for _, importable in found]},
    }
    return Backtest(
        run_config.normalised(content, config.origin),
        name=short.name or ", ".join(dict.fromkeys(classes.name for classes, _ in found)),
        type=short.type or found[0][0].strategy_type,
        note=short.note,
        tags=short.tags,
        data_source=", ".join(dict.fromkeys(source.name for source in sources)),
        remarks=[*_remarks(short.venue), *(r for source in sources for r in source.remarks)],
    )


def _expand_long(config: Config) -> Backtest:
    content = {key: value for key, value in config.content.items() if key not in DETAILS}
    entries = content.get("data")
    if isinstance(entries, list):
        content["data"] = [_located(config, entry, place) for place, entry in enumerate(entries)]
    engine = content.get("engine")
    if engine is None or (isinstance(engine, dict) and engine.get("logging") is None):
        content["engine"] = (engine or {}) | {"logging": _QUIET}
    return Backtest(run_config.normalised(content, config.origin), **vars(config.details))


def _venue(venue: VenueConfig, name: str) -> Json:
    """Return a `BacktestVenueConfig` as JSON: what every engine writes alike, and its own."""
    settings: Json = {
        "name": name,
        "oms_type": venue.oms_type,
        "account_type": venue.account_type,
        "book_type": venue.book_type,
        "starting_balances": [venue.starting_balance],
        "base_currency": venue.currency,
        "trade_execution": True,
    }
    return settings | dict(venue_settings.engine_settings(venue))


def _venue_of(sources: Sequence[Source]) -> str:
    names = dict.fromkeys(str(source.instrument.id.venue) for source in sources)
    if len(names) > 1:
        raise UsageError(
            f"the short form has one venue, and the data is of {', '.join(names)}; write the long"
            " form, with [[venues]]"
        )
    return next(iter(names))


def _located(config: Config, entry: Json, place: int) -> Json:
    """Return a data entry whose catalog, if it is on this machine, is named from the root."""
    path = entry.get("catalog_path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or "://" in path:
        return entry
    if entry.get("catalog_fs_protocol") not in (None, "file", "local"):
        return entry
    folder = config.locate(Path(path))
    if not folder.is_dir():
        where = config.origin.at(("data", place, "catalog_path"))
        raise UsageError(
            f"{where}: data[{place}].catalog_path: no folder {folder}; write where the catalog is,"
            f" from {config.directory} on or from the root"
        )
    return entry | {"catalog_path": str(folder)}


def _remarks(venue: VenueConfig) -> list[str]:
    is_unchecked = venue.account_type == "MARGIN" and venue_settings.UNCHECKED
    return [COSTS_NOTHING] * venue.is_free + [venue_settings.UNCHECKED] * bool(is_unchecked)


def _strategy(
    config: Config, strategy: StrategyConfig, place: int, sources: Sequence[Source]
) -> tuple[StrategyClasses, Json]:
    """Return a strategy's classes, and how NautilusTrader imports and configures it."""
    is_alone = "strategies" not in config.content
    above: KeyPath = () if is_alone else ("strategies", place)
    with config.origin.placing((*above, "strategy")):
        classes = find_strategy(strategy)
    keys = (*above, "parameters")
    traded = [source.traded for source in sources]
    made = strategy_parameters(strategy.parameters, classes, traded, keys, config.origin)
    named = str(getattr(made, "instrument_id", ""))
    source = next((s for s in sources if s.traded.instrument_id == named), sources[0])
    check_position(made, source, config, keys)
    values: Json = run_config.primitives(made, strategy.parameters)
    if not is_alone:  # NautilusTrader demands that each of several has a tag of its own
        values |= {"order_id_tag": values.get("order_id_tag") or f"{place:03d}"}
    importable = {
        "strategy_path": classes.strategy_path,
        "config_path": classes.config_path,
        "config": values,
    }
    return classes, importable
