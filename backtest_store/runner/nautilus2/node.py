"""Make of a `BacktestRunConfig` of 2.0 the engine that runs it, as its own node does.

A node reads the data for every run anew, and takes no models that are written in Python. So the
engine is made here, and the runs of a grid share what was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from nautilus_trader.backtest import BacktestEngine
from nautilus_trader.model import BarType
from nautilus_trader.persistence import ParquetDataCatalog

from backtest_store.capture.engines.nautilus2 import node_config
from backtest_store.capture.engines.nautilus2.engine_methods import watch_class
from backtest_store.capture.engines.nautilus2.engine_requests import in_order
from backtest_store.capture.engines.nautilus2.fill_and_fee_models import is_model
from backtest_store.capture.engines.nautilus2.prices import instrument_of
from backtest_store.capture.identity.code.code_hash import Code, code_of
from backtest_store.capture.identity.data_fingerprint import fingerprint
from backtest_store.errors import UsageError
from backtest_store.runner.config.file import Origin, UnfitError
from backtest_store.runner.facts_before_run import Replayed, named_series
from backtest_store.runner.nautilus2.run_config import Made, data_configs, make
from backtest_store.suggestions import did_you_mean

if TYPE_CHECKING:
    from backtest_store.models import Json
    from backtest_store.runner.config.expansion import Backtest

_STORED = Origin("the configuration")
MOST_LOADED = 8


def code_behind(run_config: Json) -> Code:
    """Return the code of the components of a configuration, as an engine that has them does."""
    made = make(run_config, _STORED)
    components = [one for _, one in made.components]
    configs = [getattr(one, "config", None) for one in components]
    models = [given for venue in made.venues for given in venue.values() if is_model(given)]
    return code_of(dict.fromkeys(map(type, [*components, *configs, *models])))


def replayed(run_config: Json) -> Replayed:
    """Load the data of a configuration."""
    config = make(run_config, _STORED).config
    digest, ids, *span = _replayed(_data_key(run_config, config))
    limits = zip((config.start, config.end), span, strict=True)
    asked = [time if given is None else given for given, time in limits]
    return Replayed(digest, ids, [*span, *asked])


def _data_key(content: Json, config: Any) -> str:
    return json.dumps([content["data"], config.start, config.end], sort_keys=True)


# Of a grid over dates, each combination has data of its own.
@lru_cache(maxsize=MOST_LOADED)
def _loaded(key: str) -> list[list[Any]]:
    """Read the data of each entry of a configuration."""
    data, start, end = json.loads(key)
    entries = data_configs({"data": data}, _STORED)
    return [_read(entry, SimpleNamespace(start=start, end=end)) for entry in entries]


def _read(entry: Any, limits: SimpleNamespace) -> list[Any]:
    try:
        return node_config.data_of(BacktestEngine, limits, entry)
    except (RuntimeError, OSError, ValueError) as error:
        raise UsageError(f"{entry.catalog_path}: {error}") from error


@lru_cache(maxsize=MOST_LOADED)
def _replayed(key: str) -> tuple[str | None, list[str], int, int]:
    """Return the fingerprint of all data, whose it is, and when it begins and ends."""
    loaded = _loaded(key)
    data = in_order(loaded)
    if not data:
        raise UnfitError("; ".join(map(_missing, json.loads(key)[0])), "data", 0)
    ids = sorted(set(map(instrument_of, data)))
    return fingerprint(data), ids, data[0].ts_init, data[-1].ts_init


def series_of(backtest: Backtest) -> list[str]:
    """Name the kinds of bar and the instruments of which there is data."""
    config = make(backtest.run_config, _STORED).config
    return _series(_data_key(backtest.run_config, config))


@lru_cache(maxsize=MOST_LOADED)
def _series(key: str) -> list[str]:
    return named_series(chain.from_iterable(_loaded(key)))


@lru_cache(maxsize=MOST_LOADED)
def _instruments(path: str, wanted: tuple[str, ...]) -> list[Any]:
    """Return instruments of a catalog, all of them if none is named."""
    found = list(ParquetDataCatalog(path).instruments(instrument_ids=list(wanted) or None))
    if missing := set(wanted) - {str(instrument.id) for instrument in found}:
        known = {str(one.id) for one in ParquetDataCatalog(path).instruments()}
        name = ", ".join(sorted(missing))
        raise UsageError(f"{path} has no instrument {name}{did_you_mean(name, known)}")
    return found


def _wanted(entry: Any) -> tuple[str, ...]:
    """Return the instruments that an entry asks for."""
    of_bars = [str(BarType.from_str(text).instrument_id) for text in entry.bar_types or ()]
    named = [*(entry.instrument_ids or ()), *filter(None, [entry.instrument_id])]
    return tuple(sorted({*of_bars, *map(str, named)}))


def _missing(entry: Json) -> str:
    wanted = entry.get("bar_types") or entry.get("instrument_ids") or [entry.get("instrument_id")]
    name = ", ".join(str(one) for one in wanted if one)
    return f"{entry['catalog_path']} has no {entry['data_type']} of {name}".removesuffix(" of ")


def is_determined(content: Json) -> bool:
    """Tell whether a seed determines what a run draws, and whether it reads nothing besides."""
    given = [(venue.get("fill_model") or {}).get("arguments") or {} for venue in content["venues"]]
    drawing = [one for one in given if any(one.get(n) not in {None, 0, 1} for n in _CHANCES)]
    has_seeds = all(one.get("random_seed") is not None for one in drawing)
    return has_seeds and not (content.get("engine") or {}).get("catalogs")


_CHANCES = ("prob_slippage", "prob_fill_on_limit")


def prepared(backtest: Backtest) -> tuple[BacktestEngine, Callable[[], object]]:
    """Return what is to be recorded, and what runs it."""
    made = make(backtest.run_config, _STORED)
    engine = _engine(made, _loaded(_data_key(backtest.run_config, made.config)))
    return engine, partial(engine.run, made.config.start, made.config.end, made.config.id)


def _engine(made: Made, loaded: Sequence[list[Any]]) -> BacktestEngine:
    """Return the engine of a configuration, with all that is to be in it."""
    watch_class(BacktestEngine)
    try:
        engine = BacktestEngine(made.config.engine)
        for venue in made.venues:
            engine.add_venue(**venue)
        for entry, data in zip(made.config.data, loaded, strict=True):
            for instrument in _instruments(str(entry.catalog_path), _wanted(entry)):
                engine.add_instrument(instrument)
            engine.add_data(data)
        for single, component in made.components:
            getattr(engine, f"add_{single}")(component)
    except (RuntimeError, ValueError, TypeError) as error:
        raise UsageError(str(error)) from error
    return engine
