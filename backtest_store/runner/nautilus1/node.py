"""Make of a `BacktestRunConfig` the node that runs it, and tell what its run will be known by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from nautilus_trader.backtest.config import BacktestDataConfig, BacktestRunConfig
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.common.config import InvalidConfiguration
from nautilus_trader.core.datetime import dt_to_unix_nanos
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.funcs import filename_to_class

from backtest_store.capture.identity.code.code_hash import Code, code_of
from backtest_store.capture.identity.data_fingerprint import fingerprint
from backtest_store.errors import StoreError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.file import UnfitError
from backtest_store.runner.config.strategy_classes import import_class
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.data.made_catalogs import MADE_OF
from backtest_store.runner.facts_before_run import Replayed, named_series
from backtest_store.suggestions import did_you_mean

if TYPE_CHECKING:
    from backtest_store.models import Json
    from backtest_store.runner.config.expansion import Backtest

MOST_LOADED = 8
_NO_VENUE = re.compile(r"Venue '(\S+)' for (\S+) does not have a `BacktestVenueConfig`.*")
# The one of NautilusTrader's fill models that draws whatever its probabilities are.
DRAWING = "ProbabilisticFillModel"


class SharedCatalog(ParquetDataCatalog):
    """A catalog whose instruments are read once."""

    @cached_property
    def _read(self) -> dict[str, list[Any]]:
        return {}

    def instruments(self, *args: Any, **named: Any) -> list[Any]:
        """Return the instruments."""
        key = repr((args, named))
        if key not in self._read:
            self._read[key] = super().instruments(*args, **named)
        return list(self._read[key])


class SharingNode(BacktestNode):
    """A node whose runs share the data that they read from catalogs, as nothing changes it."""

    @classmethod
    def load_data_config(
        cls, config: BacktestDataConfig, start: Any = None, end: Any = None
    ) -> Any:
        """Load data once a process."""
        return _data(config.json(), start, end)

    @classmethod
    def load_catalog(cls, config: BacktestDataConfig) -> ParquetDataCatalog:
        """Open a catalog once a process."""
        places = ("path", "fs_protocol", "fs_storage_options", "fs_rust_storage_options")
        return _catalog(json.dumps({p: getattr(config, f"catalog_{p}") for p in places}))

    def log_backtest_exception(self, e: Exception, config: BacktestRunConfig) -> None:
        """Leave the telling to the recorder: the node would write it on standard output."""


# Of a grid over dates, each combination has data of its own.
@lru_cache(maxsize=MOST_LOADED)
def _data(config: bytes, start: Any, end: Any) -> Any:
    return BacktestNode.load_data_config(BacktestDataConfig.parse(config), start, end)


@lru_cache(maxsize=MOST_LOADED)
def _catalog(places: str) -> SharedCatalog:
    return SharedCatalog(**json.loads(places))


def code_behind(run_config: Json) -> Code:
    """Return the code of the classes that a configuration names by their paths."""
    paths = sorted({path for path in _paths(run_config) if ":" in path})
    return _code(tuple(map(import_class, paths)))


@lru_cache(maxsize=MOST_LOADED)
def _code(classes: tuple[type, ...]) -> Code:
    """Return the code behind classes; a module that is imported anew has others."""
    return code_of(classes)


def replayed(run_config: Json) -> Replayed | None:
    """Load the data of a configuration; None if it is more than should be in memory at once."""
    config = parse(json.dumps(run_config))
    try:
        SharingNode([config])
    except (InvalidConfiguration, ValueError) as error:
        said = _NO_VENUE.sub(
            r'no venue is called \1, where \2 trades; write name = "\1"', str(error)
        )
        raise UnfitError(said, "venues", 0) from error
    ids = _instruments(config.data)
    if config.chunk_size is not None:
        return None
    digest, span = _replayed(_data_key(config))
    return Replayed(digest, ids, [*span, *_asked(config, span)])


def _asked(config: BacktestRunConfig, span: tuple[int, int]) -> tuple[int, int]:
    """Return from when to when a run's clock goes, however that is written."""
    given = zip((config.start, config.end), span, strict=True)
    start, end = (other if time is None else dt_to_unix_nanos(time) for time, other in given)
    return start, end


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _paths(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name.endswith("_path") and isinstance(item, str) and name != "catalog_path":
                yield item
            yield from _paths(item)


def is_determined(run_config: Json) -> bool:
    """Tell whether a run draws no random numbers but such as a seed determines, and reads no more.

    All models of a process draw from one generator, and one without a seed takes it from all.
    """
    models = [(venue.get("fill_model") or {}) for venue in run_config["venues"]]
    settings = [model.get("config") or {} for model in models]
    has_seeds = all(config.get("random_seed") is not None for config in settings)
    return (has_seeds or not any(map(_draws, models))) and not (
        (run_config.get("engine") or {}).get("catalogs")
    )


def _draws(model: Any) -> bool:
    settings = model.get("config") or {}
    chances = [value for name, value in settings.items() if name.startswith("prob_")]
    is_drawing = str(model.get("fill_model_path", "")).endswith(DRAWING)
    return is_drawing or any(chance not in (0, 1) for chance in chances)


def _data_key(config: BacktestRunConfig) -> str:
    entries = [data.json().decode() for data in config.data]
    return json.dumps([entries, config.start, config.end])


@lru_cache(maxsize=MOST_LOADED)
def _replayed(key: str) -> tuple[str | None, tuple[int, int]]:
    """Return the fingerprint of all data in the order in which a node replays it, and its span."""
    entries, start, end = json.loads(key)
    data = [BacktestDataConfig.parse(entry) for entry in entries]
    config = BacktestRunConfig(venues=[], data=data, start=start, end=end)
    loaded = [SharingNode.load_data_config(entry, start, end).data for entry in config.data]
    replayed = sorted(chain.from_iterable(loaded), key=attrgetter("ts_init"))
    if not replayed:
        raise UnfitError("; ".join(_missing(entry, config) for entry in config.data), "data", 0)
    return fingerprint(replayed), (replayed[0].ts_init, replayed[-1].ts_init)


def series_of(backtest: Backtest) -> list[str] | None:
    """Name the kinds of bar and the instruments of which there is data; None if it is too much."""
    config = parse(json.dumps(backtest.run_config))
    return _series(_data_key(config)) if config.chunk_size is None else None


@lru_cache(maxsize=MOST_LOADED)
def _series(key: str) -> list[str]:
    entries, start, end = json.loads(key)
    data = [BacktestDataConfig.parse(entry) for entry in entries]
    loaded = [SharingNode.load_data_config(entry, start, end).data for entry in data]
    return named_series(chain.from_iterable(loaded))


def _instruments(entries: Sequence[BacktestDataConfig]) -> list[str]:
    from nautilus_trader.backtest.node import get_instrument_ids

    found: set[str] = set()
    for place, entry in enumerate(entries):
        wanted = get_instrument_ids(entry)
        catalog = SharingNode.load_catalog(entry)
        held = catalog.instruments(instrument_ids=wanted or None) or []
        if wanted and not held:
            names = ", ".join(map(str, wanted))
            known = did_you_mean(names, {str(one.id) for one in catalog.instruments() or ()})
            raise UnfitError(
                f"{entry.catalog_path} has no instrument {names}{known}", "data", place
            )
        found |= {str(instrument.id) for instrument in held}
    return sorted(found)


def _missing(entry: BacktestDataConfig, config: BacktestRunConfig) -> str:
    """Say what a catalog does not have, by the file that it was made of if there is one."""
    made_of = (entry.metadata or {}).get(MADE_OF) if isinstance(entry.metadata, dict) else None
    place = str(made_of["path"] if made_of else entry.catalog_path)
    source = next((n for n, data in BUNDLED_DATA.items() if str(data.path) == place), place)
    wanted = entry.bar_types or entry.instrument_ids or [entry.instrument_id or "any instrument"]
    limits = {"from": entry.start_time or config.start, "to": entry.end_time or config.end}
    said = "".join(f" {word} {_short(time)}" for word, time in limits.items() if time is not None)
    name = str(entry.data_cls).rpartition(":")[2]
    return f"{source} has no {name} of {', '.join(map(str, wanted))}{said}{_held(entry)}"


def _short(time: Any) -> str:
    return str(time)[:19].removesuffix("T00:00:00")


def _held(entry: BacktestDataConfig) -> str:
    """Say from when to when there is data, or which other kinds there are."""
    whole = msgspec.structs.replace(entry, start_time=None, end_time=None)
    found = BacktestNode.load_data_config(whole).data
    if found:
        times = (to_datetime(one.ts_init).isoformat() for one in (found[0], found[-1]))
        return f"; it has some from {' to '.join(map(_short, times))}"
    folders = sorted(Path(entry.catalog_path, "data").glob("*"))
    kinds = [kind for folder in folders if (kind := filename_to_class(folder.name))]
    paths = [f'"{k.__module__}:{k.__name__}"' for k in kinds if not issubclass(k, Instrument)]
    return f"; write data_cls = {' or '.join(paths)}, which it has" if paths else ""


def parse(text: str | bytes) -> BacktestRunConfig:
    """Return the configuration that is stored as JSON."""
    try:
        config: BacktestRunConfig = BacktestRunConfig.parse(text)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise StoreError(
            f"this version of NautilusTrader does not take the stored configuration: {error}"
        ) from error
    return config


def prepared(backtest: Backtest) -> tuple[Any, Callable[[], object]]:
    """Return what is to be recorded, and what runs it."""
    node = SharingNode([parse(json.dumps(backtest.run_config))])
    return node, node.run
