"""A `BacktestRunConfig` of 2.0 as JSON: checked, and made into NautilusTrader's own objects.

The keys are the arguments of its classes. A model of fees, fills, latencies or margins is written
as the path of its class and its arguments; strategies, actors and execution algorithms stand in
the engine's configuration, as importable ones do in 1.x, and are added to the node.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from nautilus_trader import backtest, common, data, execution, model, persistence, portfolio, risk

from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import Origin, Place
from backtest_store.runner.config.strategy_classes import import_class
from backtest_store.runner.nautilus2.component_config import (
    fields_of,
    own_fields,
    parse_component,
    primitives,
    takes_any,
)
from backtest_store.suggestions import did_you_mean

__all__ = ["fields_of", "own_fields", "parse_component", "primitives", "takes_any"]  # handed on

KINDS = {"strategies": "strategy", "actors": "actor", "exec_algorithms": "exec_algorithm"}
MODELS = ("fee_model", "fill_model", "latency_model", "margin_model", "modules")
_VENUE = backtest.BacktestVenueConfig
_ENUMS: dict[str, Any] = {
    "oms_type": model.OmsType,
    "account_type": model.AccountType,
    "book_type": model.BookType,
    "oto_trigger_mode": model.OtoTriggerMode,
}
_NESTED: dict[str, type] = {
    "logging": common.LoggerConfig,
    "cache": common.CacheConfig,
    "msgbus": common.MessageBusConfig,
    "data_engine": data.DataEngineConfig,
    "risk_engine": risk.RiskEngineConfig,
    "exec_engine": execution.ExecutionEngineConfig,
    "portfolio": portfolio.PortfolioConfig,
    "streaming": persistence.StreamingConfig,
}
_IDS: dict[str, Any] = {
    "base_currency": model.Currency,
    "trader_id": model.TraderId,
    "instrument_id": model.InstrumentId,
    "client_id": model.ClientId,
    "bar_spec": model.BarSpecification,
    "stdout_level": common.LogLevel,
    "fileout_level": common.LogLevel,
}


@dataclass(frozen=True)
class Made:
    """A run's configuration, and what its engine is given: venues by arguments, and components.

    The engine takes models of venues that are written in Python, the configuration does not.
    """

    config: Any
    venues: list[Json]
    components: list[tuple[str, Any]]


def normalised(content: Json, origin: Origin) -> Json:
    """Return a run's configuration as JSON whose components are as their classes read them.

    Raises
    ------
    UsageError
        If a key is unknown, a value impossible or a class not importable; it names where.
    """
    content = deepcopy(content)
    make(content, origin)
    for kind, single in KINDS.items():
        for one in (content.get("engine") or {}).get(kind) or ():
            made = _configuration(one, single, Place(("engine", kind), origin))
            one["config"] = primitives(made, one.get("config") or {})
    return content


def without_unknown(values: Json) -> Json:
    """Leave out the fields that this version of NautilusTrader does not have.

    Raises
    ------
    StoreError
        If it is a configuration of 1.x.
    """
    if any("data_cls" in entry for entry in values["data"]):
        raise StoreError(
            "this version of NautilusTrader does not take the stored configuration: it is of 1.x"
        )
    return {n: value for n, value in values.items() if n in _arguments(backtest.BacktestRunConfig)}


def make(content: Json, origin: Origin) -> Made:
    """Make a run's configuration of JSON.

    Raises
    ------
    UsageError
        If a key is unknown, a value impossible or a class not importable; it names where.
    """
    top = Place((), origin)
    engine = dict(content.get("engine") or {})
    added = [
        (single, _component(one, single, top.below("engine", kind, place)))
        for kind, single in KINDS.items()
        for place, one in enumerate(engine.pop(kind, None) or ())
    ]
    entries = _entries(content, "venues", top)
    venues = [_arguments_of(_VENUE, *entry) for entry in entries]
    values = content | {
        "venues": [
            _called(_VENUE, {n: v for n, v in given.items() if n not in MODELS}, place)
            for given, (_, place) in zip(venues, entries, strict=True)
        ],
        "data": [
            _made(backtest.BacktestDataConfig, *one) for one in _entries(content, "data", top)
        ],
        "engine": _made(backtest.BacktestEngineConfig, engine, top.below("engine")),
    }
    config = _made(backtest.BacktestRunConfig, values, top)
    return Made(config, list(map(_to_add_venue, venues)), added)


def data_configs(content: Json, origin: Origin) -> list[Any]:
    """Make the configurations of a run's data."""
    entries = _entries(content, "data", Place((), origin))
    return [_made(backtest.BacktestDataConfig, *entry) for entry in entries]


def _to_add_venue(given: Json) -> Json:
    """Return the arguments of `BacktestEngine.add_venue` for those of `BacktestVenueConfig`."""
    kinds = {n: kind.from_str(given[n]) for n, kind in _ENUMS.items() if n in given}
    balances = [model.Money.from_str(text) for text in given["starting_balances"]]
    said = given | kinds | {"venue": model.Venue(given["name"]), "starting_balances": balances}
    return {name: value for name, value in said.items() if name != "name" and value is not None}


def _entries(content: Json, name: str, top: Place) -> list[tuple[Any, Place]]:
    entries = content.get(name)
    if not isinstance(entries, list):
        top.below(name).refuse("is a list", entries)
    return [(entry, top.below(name, place)) for place, entry in enumerate(entries)]


def _arguments(kind: type) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(kind).parameters)


def _made(kind: type, values: Any, place: Place) -> Any:
    """Make one of NautilusTrader's objects of its arguments."""
    return _called(kind, _arguments_of(kind, values, place), place)


def _arguments_of(kind: type, values: Any, place: Place) -> Json:
    """Return arguments as a class takes them."""
    if not isinstance(values, dict):
        place.refuse("is a table", values)
    known = _arguments(kind)
    for name in values:
        if name not in known:
            place.below(name).refuse_key(known)
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in values:
            place.refuse(f"missing `{name}`")
    return {name: _read(name, value, place.below(name)) for name, value in values.items()}


def _called(kind: type, given: Json, place: Place) -> Any:
    try:
        return kind(**given)
    except (TypeError, ValueError, OverflowError) as error:
        named = next((name for name in given if name in str(error)), None)
        (place if named is None else place.below(named)).refuse(error)


def _read(name: str, value: Any, place: Place) -> Any:
    """Return a value as its argument takes it."""
    reader = _READERS.get(name)
    if value is None or reader is None or not isinstance(value, str | dict | list | int | float):
        return value
    try:
        return reader(value, place)
    except (ValueError, TypeError, InvalidOperation, AttributeError) as error:
        return place.refuse(error, value)


def _id(name: str, value: Any, place: Place) -> Any:
    if not isinstance(value, str):
        place.refuse("is a text", value)
    kind = _IDS[name]
    if kind is model.Currency:
        return kind.from_str(value, strict=True)  # else any unknown code is one of crypto
    return kind.from_str(value) if hasattr(kind, "from_str") else kind(value)


def _leverages(value: dict[str, Any], _: Place) -> Any:
    return {model.InstrumentId.from_str(n): Decimal(str(item)) for n, item in value.items()}


def _data_type(value: Any, place: Place) -> Any:
    known = [name for name in vars(model.NautilusDataType) if name[0].isupper()]
    if value not in known:
        place.refuse(f"no data type {value!r}{did_you_mean(str(value), known)}")
    return getattr(model.NautilusDataType, value)


def _metadata(value: dict[str, Any], _: Place) -> dict[str, str]:
    return {n: item if isinstance(item, str) else json.dumps(item) for n, item in value.items()}


def _model(value: Any, place: Place) -> Any:
    """Make a model of the path of its class, and its arguments, in which texts are amounts."""
    if not isinstance(value, dict) or "path" not in value:
        place.refuse('is a table with "path" and "arguments"', value)
    try:
        kind = import_class(str(value["path"]))
    except UsageError as error:
        place.below("path").refuse(error)
    given = {n: _amount(item) for n, item in (value.get("arguments") or {}).items()}
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        place.below("arguments").refuse(error, value.get("arguments"))


def _amount(value: Any) -> Any:
    """Read a number, or an amount of money such as "1.50 USD", from its text."""
    if not isinstance(value, str):
        return value
    try:
        return Decimal(value)
    except InvalidOperation:
        return model.Money.from_str(value)


def _nested(kind: type) -> Callable[[Any, Place], Any]:
    return lambda value, place: _made(kind, value, place)


def _list_of(reader: Callable[[Any, Place], Any]) -> Callable[[Any, Place], Any]:
    return lambda value, place: [reader(item, place.below(n)) for n, item in enumerate(value)]


_READERS: dict[str, Callable[[Any, Place], Any]] = {
    **{name: partial(_id, name) for name in _IDS},
    **{name: _nested(kind) for name, kind in _NESTED.items()},
    **dict.fromkeys(MODELS, _model),
    "modules": _list_of(_model),
    "catalogs": _list_of(_nested(persistence.DataCatalogConfig)),
    "instrument_ids": _list_of(partial(_id, "instrument_id")),
    "leverages": _leverages,
    "data_type": _data_type,
    "metadata": _metadata,
}


def _component(one: Any, single: str, place: Place) -> Any:
    """Make a strategy, an actor or an execution algorithm with its configuration."""
    config = _configuration(one, single, place)
    return _class_of(one, f"{single}_path", place)(config)


def _configuration(one: Any, single: str, place: Place) -> Any:
    if not isinstance(one, dict):
        place.refuse("is a table", one)
    for name in (f"{single}_path", "config_path"):
        if name not in one:
            place.refuse(f"missing `{name}`")
    kind = _class_of(one, "config_path", place)
    return parse_component(one.get("config") or {}, kind, place.below("config"))


def _class_of(one: Json, name: str, place: Place) -> type:
    try:
        return import_class(str(one[name]))
    except UsageError as error:
        place.below(name).refuse(error)
