"""Make a NautilusTrader engine that is ready to run from a config or from a stored snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.trading.strategy import Strategy

from backtest_store.capture.identity.provenance import file_digest, source_file
from backtest_store.capture.identity.snapshot import config_hash
from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.redaction import Redactor
from backtest_store.runner.config.config import BacktestConfig, parse_config
from backtest_store.runner.config.strategy_classes import StrategyClasses, find_strategy
from backtest_store.runner.config.strategy_parameters import (
    check_position,
    own_parameters,
    strategy_parameters,
)
from backtest_store.runner.config.timestamps import to_datetime
from backtest_store.runner.data.bars import LoadedBars, load_bars
from backtest_store.runner.data.catalog_bars import catalog_bar_types
from backtest_store.runner.venues import add_venue, venue_settings

_ENGINE = {"trader_id": "BACKTESTER-001", "logging": {"bypass_logging": True}}
# Equal data has an equal fingerprint, wherever it is.
_PLACES = frozenset({"path", "source", "catalog_path"})

LoadBars = Callable[[BacktestConfig], LoadedBars]


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """What there is to know of a backtest before it runs.

    Parameters
    ----------
    strategy_name, strategy_type : str
        What the run is listed under.
    tags, note
        What the config says to store with the run.
    data_source : str
        Bundled data's name, or the path of a file or catalog.
    data_fingerprint : str
        SHA-256, in hex, of the contents of the files.
    parameters : dict
        The strategy's configuration, defaults included, as JSON values.
    config_snapshot : dict
        All that is needed to run it again, as JSON values: ``strategy_path``, ``config_path``,
        ``config``, ``venues``, ``instruments``, ``data`` and ``engine`` in NautilusTrader's terms,
        and ``run_config``, from which `run_from_snapshot` makes the same engine.
    config_hash : str
        SHA-256, in hex, of configuration, instruments, dates and data; names, tags, notes, secrets
        and the place of the data do not count.
    source_digest : str, optional
        SHA-256, in hex, of the file that defines the strategy.
    initial_capital : Decimal
        In `currency`, the account's base.
    instrument_ids : list of str
        What is traded.
    start, end : datetime
        The UTC times of the first and the last bar.
    """

    strategy_name: str
    strategy_type: str
    tags: list[str]
    note: str | None
    data_source: str
    data_fingerprint: str
    parameters: Json
    config_snapshot: Json
    config_hash: str
    source_digest: str | None
    initial_capital: Decimal
    currency: str
    instrument_ids: list[str]
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class PreparedBacktest(Backtest):
    """A backtest, and its engine with venue, instrument, bars and strategy.

    Parameters
    ----------
    engine : BacktestEngine
        Call its ``run()``, then ``dispose()``. Its logging is off.
    """

    engine: BacktestEngine


@dataclass(frozen=True)
class _Parts:
    """What an engine is made of."""

    classes: StrategyClasses
    parameters: StrategyConfig
    loaded: LoadedBars
    venue: Json


def describe(config: BacktestConfig, *, load: LoadBars = load_bars) -> Backtest:
    """Check a config, its strategy and its data, without making an engine.

    Parameters
    ----------
    config : BacktestConfig
        From `load_config` or `with_overrides`.
    load : callable
        Gives the bars that a config asks for.

    Returns
    -------
    Backtest

    Raises
    ------
    UsageError
        If the strategy, its parameters or the data cannot be used as they are given.
    """
    return Backtest(**_description(config, _parts(config, load)))


def prepare(config: BacktestConfig, *, load: LoadBars = load_bars) -> PreparedBacktest:
    """Make the engine that a config describes, without running it.

    Parameters
    ----------
    config : BacktestConfig
        From `load_config` or `with_overrides`.
    load : callable
        Gives the bars that a config asks for.

    Returns
    -------
    PreparedBacktest

    Raises
    ------
    UsageError
        If the strategy, its parameters or the data cannot be used as they are given.
    """
    parts = _parts(config, load)
    engine = _build_engine(parts, _make_strategy(parts.classes, parts.parameters))
    return PreparedBacktest(**_description(config, parts), engine=engine)


def run_from_snapshot(snapshot: Json) -> PreparedBacktest:
    """Make the engine that a stored `PreparedBacktest.config_snapshot` came from.

    Parameters
    ----------
    snapshot : dict
        As it was stored; the data and the strategy's code must still be where they were.

    Returns
    -------
    PreparedBacktest

    Raises
    ------
    UsageError
        If the snapshot is not one of a config, or what it names is no longer usable.
    """
    if "run_config" not in snapshot:
        raise UsageError("this run was not made from a config file, so none can be restored")
    return prepare(parse_config(snapshot["run_config"], origin="the stored config"))


def _parts(config: BacktestConfig, load: LoadBars) -> _Parts:
    classes = find_strategy(config)
    parameters = strategy_parameters(config, classes)
    loaded = load(config)
    check_position(parameters, config, loaded.instrument)
    venue = venue_settings(loaded.instrument.id.venue.value, config.venue)
    return _Parts(classes, parameters, loaded, venue)


def _description(config: BacktestConfig, parts: _Parts) -> dict[str, Any]:
    classes, loaded = parts.classes, parts.loaded
    parameters = parts.parameters.json_primitives()
    snapshot = {
        "strategy_path": classes.strategy_path,
        "config_path": classes.config_path,
        "config": parameters,
        "venues": [parts.venue],
        "instruments": [_instrument_values(loaded.instrument)],
        "data": [_data_settings(config, loaded)],
        "engine": _ENGINE,
        "run_config": _run_config(config, parameters),
    }
    source = source_file(classes.strategy)
    return {
        "strategy_name": classes.name,
        "strategy_type": classes.strategy_type,
        "tags": config.tags,
        "note": config.note,
        "data_source": loaded.source,
        "data_fingerprint": loaded.fingerprint,
        "parameters": parameters,
        "config_snapshot": snapshot,
        "config_hash": _hash(snapshot, config, loaded),
        "source_digest": None if source is None else file_digest(source),
        "initial_capital": config.venue.initial_capital,
        "currency": config.venue.currency,
        "instrument_ids": [config.data.instrument_id],
        "start": to_datetime(loaded.bars[0].ts_event),
        "end": to_datetime(loaded.bars[-1].ts_event),
    }


def _hash(snapshot: Json, config: BacktestConfig, loaded: LoadedBars) -> str:
    (data,) = snapshot["data"]
    decisive = {name: value for name, value in snapshot.items() if name != "run_config"}
    decisive["data"] = {name: value for name, value in data.items() if name not in _PLACES}
    redacted = Redactor().redact(decisive)
    return config_hash(
        redacted if isinstance(redacted, dict) else {},
        instrument_ids=[config.data.instrument_id],
        start_date=to_datetime(loaded.bars[0].ts_event),
        end_date=to_datetime(loaded.bars[-1].ts_event),
        data_fingerprint=loaded.fingerprint,
    )


def _build_engine(parts: _Parts, strategy: Strategy) -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig.parse(msgspec.json.encode(_ENGINE)))
    add_venue(engine, parts.venue)
    engine.add_instrument(parts.loaded.instrument)
    engine.add_data(parts.loaded.bars)
    engine.add_strategy(strategy)
    return engine


def _make_strategy(classes: StrategyClasses, config: StrategyConfig) -> Strategy:
    try:
        return classes.strategy(config=config)
    except Exception as error:
        raise UsageError(
            f"{classes.strategy_path} cannot be made: {type(error).__name__}: {error}"
        ) from error


def _instrument_values(instrument: Instrument) -> Json:
    return dict(type(instrument).to_dict(instrument))


def _data_settings(config: BacktestConfig, loaded: LoadedBars) -> Json:
    data = config.data
    where = "catalog_path" if data.catalog else "source" if data.source else "path"
    return {
        where: loaded.source,
        "data_cls": "nautilus_trader.model.data:Bar",
        "bar_types": catalog_bar_types(data),
        "start_time": loaded.bars[0].ts_event,
        "end_time": loaded.bars[-1].ts_event,
    }


def _run_config(config: BacktestConfig, parameters: Json) -> Json:
    dumped = config.model_dump(mode="json", exclude_none=True)
    return dumped | {"parameters": own_parameters(parameters, config)}
