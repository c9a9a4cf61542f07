"""Make a NautilusTrader engine that is ready to run from a config or from a stored snapshot."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.trading.strategy import Strategy

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.bars import LoadedBars, load_bars
from backtest_store.runner.catalog import catalog_bar_types
from backtest_store.runner.config import BacktestConfig, parse_config
from backtest_store.runner.strategy_classes import StrategyClasses, find_strategy
from backtest_store.runner.strategy_parameters import (
    check_position,
    own_parameters,
    strategy_parameters,
)
from backtest_store.runner.timestamps import to_datetime
from backtest_store.runner.venues import add_venue, venue_settings

_ENGINE = {"trader_id": "BACKTESTER-001", "logging": {"bypass_logging": True}}


@dataclass(frozen=True)
class PreparedBacktest:
    """An engine with its venue, instrument, bars and strategy, and what there is to know of it.

    Parameters
    ----------
    engine : BacktestEngine
        Call its ``run()``, then ``dispose()``. Its logging is off.
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
    initial_capital : Decimal
        In `currency`, the account's base.
    instrument_ids : list of str
        What is traded.
    start, end : datetime
        The UTC times of the first and the last bar.
    """

    engine: BacktestEngine
    strategy_name: str
    strategy_type: str
    tags: list[str]
    note: str | None
    data_source: str
    data_fingerprint: str
    parameters: Json
    config_snapshot: Json
    initial_capital: Decimal
    currency: str
    instrument_ids: list[str]
    start: datetime
    end: datetime


def prepare(config: BacktestConfig) -> PreparedBacktest:
    """Make the engine that a config describes, without running it.

    Parameters
    ----------
    config : BacktestConfig
        From `load_config` or `with_overrides`.

    Returns
    -------
    PreparedBacktest

    Raises
    ------
    UsageError
        If the strategy, its parameters or the data cannot be used as they are given.
    """
    classes = find_strategy(config)
    strategy_config = strategy_parameters(config, classes)
    loaded = load_bars(config)
    check_position(strategy_config, config, loaded.instrument)
    venue = venue_settings(loaded.instrument.id.venue.value, config.venue)
    parameters = strategy_config.json_primitives()
    return PreparedBacktest(
        engine=_build_engine(venue, loaded, _make_strategy(classes, strategy_config)),
        strategy_name=classes.name,
        strategy_type=classes.strategy_type,
        tags=config.tags,
        note=config.note,
        data_source=loaded.source,
        data_fingerprint=loaded.fingerprint,
        parameters=parameters,
        config_snapshot={
            "strategy_path": classes.strategy_path,
            "config_path": classes.config_path,
            "config": parameters,
            "venues": [venue],
            "instruments": [_instrument_values(loaded.instrument)],
            "data": [_data_settings(config, loaded)],
            "engine": _ENGINE,
            "run_config": _run_config(config, parameters),
        },
        initial_capital=config.venue.initial_capital,
        currency=config.venue.currency,
        instrument_ids=[config.data.instrument_id],
        start=to_datetime(loaded.bars[0].ts_event),
        end=to_datetime(loaded.bars[-1].ts_event),
    )


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


def _build_engine(venue: Json, loaded: LoadedBars, strategy: Strategy) -> BacktestEngine:
    engine = BacktestEngine(BacktestEngineConfig.parse(msgspec.json.encode(_ENGINE)))
    add_venue(engine, venue)
    engine.add_instrument(loaded.instrument)
    engine.add_data(loaded.bars)
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
