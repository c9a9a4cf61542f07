"""An engine of 2.0 in words: what it was given, as JSON that tells one value from another."""

from __future__ import annotations

from collections.abc import Mapping
from types import GetSetDescriptorType
from typing import Any

from backtest_store.capture.engines.nautilus2.engine_requests import Component, EngineRequests
from backtest_store.capture.engines.nautilus2.fill_and_fee_models import (
    arguments_of,
    is_model,
    with_sorted_maps,
)
from backtest_store.capture.identity import components
from backtest_store.capture.identity.components import KINDS, attributes_of
from backtest_store.capture.identity.data_fingerprint import MarketData
from backtest_store.capture.identity.json_values import (
    ADDRESS,
    Undescribed,
    is_nautilus,
    path_of,
    plain,
)
from backtest_store.models import Json, JsonValue

PARTIAL = "the engine was made before backtest_store was imported: what it was given is not known"


def described(value: Any) -> JsonValue:
    """Return a value of a configuration as JSON, NautilusTrader's own by all that it shows."""
    if isinstance(value, Mapping):
        return {str(plain(name)): described(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if is_model(value):
        return _model(value)
    return _of_nautilus(value) if is_nautilus(value) else plain(value)


def _of_nautilus(value: Any) -> JsonValue:
    kind = type(value)
    if kind.__name__.endswith("Config"):
        return {name: described(getattr(value, name)) for name in _shown(kind)}
    if "code" in _shown(kind) and kind.__name__ == "Currency":
        return str(value.code)
    name = getattr(value, "name", None)
    return name if isinstance(getattr(kind, str(name), None), kind) else plain(value)


def _shown(kind: type) -> list[str]:
    """List what a compiled class shows, and its bases."""
    own = [vars(base) for base in kind.__mro__ if base.__module__.startswith("nautilus_trader")]
    return sorted(
        {n for held in own for n, v in held.items() if isinstance(v, GetSetDescriptorType)}
    )


def _model(model: Any) -> JsonValue:
    """Describe a model by its class, what it was made with and what it shows."""
    given, text = arguments_of(model), repr(model)
    shown: Json = {} if ADDRESS.search(text) else {"state": with_sorted_maps(text)}
    known = given is not None or shown
    return {
        "path": path_of(type(model)),
        "arguments": described(given) if known else Undescribed("<not known>"),
        "attributes": attributes_of(model),
        **shown,
    }


def snapshot_of(asked: EngineRequests, data: MarketData, instruments: list[Any]) -> Json:
    """Describe an engine as a `BacktestRunConfig` would, and say what is missing."""
    given = {
        kind: [importable(one) for one in asked.components if one.kind == kind] for kind in KINDS
    }
    engine = described(asked.config)
    strategies = given["strategies"]
    return {
        **(strategies[0] if len(strategies) == 1 else {}),
        "venues": [venue_config(venue) for venue in asked.venues],
        "data": data.describe(),
        "instruments": [plain(instrument.to_dict()) for instrument in instruments],
        "engine": (engine if isinstance(engine, dict) else {}) | given,
        **({} if asked.is_whole else {"partial": PARTIAL}),
    }


def venue_config(said: Mapping[str, Any]) -> Json:
    """Describe a venue in the terms of `BacktestVenueConfig`, but for what was left out."""
    config = {name: described(value) for name, value in said.items() if name != "self"}
    balances = [str(money) for money in said.get("starting_balances", ())]
    return {"name": str(config.pop("venue", "")), **config, "starting_balances": balances}


def importable(one: Component) -> Json:
    """Return a component as NautilusTrader's importable configurations have it."""
    name = KINDS[one.kind]
    if one.instance is not None:
        own = one.instance.config
        return {
            f"{name}_path": path_of(type(one.instance)),
            "config_path": path_of(type(own)),
            "config": config_of(own),
        }
    if one.built_in is not None:
        return {"built_in": one.built_in, "config": described(one.config)}
    return {
        f"{name}_path": str(getattr(one.config, f"{name}_path", None)),
        "config_path": str(getattr(one.config, "config_path", None)),
        "config": described(getattr(one.config, "config", {})),
    }


def config_of(config: Any) -> Json:
    """Return a component's configuration: what every one has, and what is its own."""
    shown = {name: described(getattr(config, name)) for name in _shown(type(config))}
    return shown | own_fields(config)


def own_fields(config: Any) -> Json:
    """Return what a configuration has that not every one has."""
    held = vars(config) if hasattr(config, "__dict__") else {}
    return {name: described(value) for name, value in held.items()}


def name_of(one: Component) -> str:
    """Return the name of a component's class."""
    if one.instance is not None:
        return type(one.instance).__name__
    if one.built_in is not None:
        return one.built_in
    path = str(getattr(one.config, f"{KINDS[one.kind]}_path", ""))
    return path.rpartition(":")[2] or type(one.config).__name__


def parameters_of(strategies: list[Component]) -> Json:
    """Return what configures the strategies, less what every strategy has; by id if several."""
    own = [_own_parameters(one) for one in strategies]
    return own[0] if len(own) == 1 else dict(zip(ids_of(strategies), own, strict=True))


def ids_of(strategies: list[Component]) -> list[str]:
    """List the ids of strategies; of those that the engine makes, the ids that it gives them."""
    return [_id_of(one, f"{place:03}") for place, one in enumerate(strategies)]


def _id_of(one: Component, place: str) -> str:
    if one.instance is not None:
        return str(one.instance.strategy_id)
    config: Any = importable(one)["config"]
    given, tag = config.get("strategy_id"), config.get("order_id_tag")
    return "-".join([given, *([tag] if tag else [])] if given else [name_of(one), tag or place])


def _own_parameters(one: Component) -> Json:
    if one.instance is not None:
        given = components.arguments_of(one.instance)
        return {n: described(value) for n, value in given.items()} | own_fields(one.instance.config)
    everyones = set(_shown(_base_config(one.config)))
    config = importable(one)["config"]
    known = config if isinstance(config, dict) else {}
    return {name: value for name, value in known.items() if name not in everyones}


def _base_config(config: Any) -> type:
    import nautilus_trader.trading

    found: type = getattr(nautilus_trader.trading, "StrategyConfig", type(config))
    return found
