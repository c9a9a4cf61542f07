"""The strategies of an engine: what they are called, their parameters, how to import them again."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from backtest_store.capture.identity.json_values import Undescribed, is_whole, path_of, plain
from backtest_store.capture.identity.objects import held_by, known_of
from backtest_store.models import Json, JsonValue

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.actor import Actor
    from nautilus_trader.trading.strategy import Strategy


NO_STRATEGY = "no strategy"
KINDS = {"strategies": "strategy", "actors": "actor", "exec_algorithms": "exec_algorithm"}
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_ABSENT = object()


def joined(names: list[str]) -> str:
    """Join the names of strategies' classes, each once."""
    return ", ".join(dict.fromkeys(names)) or NO_STRATEGY


def components_of(engine: BacktestEngine) -> list[Actor]:
    """Return an engine's strategies, actors and execution algorithms."""
    return [component for kind in KINDS for component in getattr(engine.trader, kind)()]


def parameters_of(strategies: list[Strategy]) -> Json:
    """Return what configures the strategies, less what every strategy has; by id if several."""
    own = {str(strategy.id): _own_parameters(strategy) for strategy in strategies}
    return next(iter(own.values())) if len(own) == 1 else dict(own)


def without_everyones(config: Json) -> Json:
    """Leave out of a strategy's configuration what every strategy's has."""
    from nautilus_trader.trading.config import StrategyConfig

    return {n: value for n, value in config.items() if n not in StrategyConfig.__struct_fields__}


def _own_parameters(strategy: Strategy) -> Json:
    arguments = {n: plain(value) for n, value in arguments_of(strategy).items()}
    return arguments | without_everyones(_config(strategy))


def defaults_of(strategies: list[Strategy]) -> list[str]:
    """List the parameters that are as the strategies' configurations have them by default."""
    several = len(strategies) > 1
    return [
        f"{strategy.id}.{name}" if several else name
        for strategy in strategies
        for name in _defaults(strategy.config)
    ]


def _defaults(config: Any) -> Iterator[str]:
    import msgspec
    from nautilus_trader.trading.config import StrategyConfig

    everyones = frozenset(StrategyConfig.__struct_fields__)
    if isinstance(config, msgspec.Struct):
        for known in msgspec.structs.fields(config):
            has_default = known.default is not msgspec.NODEFAULT
            is_same = has_default and plain(getattr(config, known.name)) == plain(known.default)
            if is_same and known.name not in everyones:
                yield known.name


def arguments_of(component: Actor) -> dict[str, Any]:
    """Return what a component was constructed with besides its configuration.

    It is built already, so each argument is what the attribute of its name holds, or, where one has
    no attribute, all that Python code gave to the instance.
    """
    found = {name: _attribute(component, name) for name in argument_names(type(component))}
    if all(value is not _ABSENT for value in found.values()):  # some types compare with no other
        return found
    named = {name: value for name, value in found.items() if value is not _ABSENT}
    return getattr(component, "__dict__", {}) | named


def unknown_arguments(components: list[Strategy]) -> Iterator[str]:
    """Say of which components the constructor's arguments cannot be known."""
    for component in components:
        arguments = {n: plain(value) for n, value in arguments_of(component).items()}
        if not is_whole(arguments) or (argument_names(type(component)) and not arguments):
            names = ", ".join(argument_names(type(component)))
            yield f"the arguments of {type(component).__name__} cannot be read: {names}"


def attributes(component: Actor) -> Json:
    """Return what a component holds that can be described whole, beside its configuration."""
    known = {name: known_of(value) for name, value in held_by(component).items()}
    held = {name: value for name, value in known.items() if value is not None}
    own = getattr(component, "__dict__", {}).items()
    seen = {str(name): _shown(value) for name, value in own if getattr(value, "has_inputs", False)}
    told: Json = {"class": path_of(type(component)), "held": held}
    return told | ({"indicators": seen} if seen else {})


def _shown(indicator: object) -> Json:
    """Return what an indicator shows, which has seen data; its text has its parameters alone."""
    kind = type(indicator)
    names = [n for n in dir(kind) if isinstance(getattr(kind, n), GetSetDescriptorType)]
    return {n: plain(getattr(indicator, n, None)) for n in names if not n.startswith("_")}


def argument_names(cls: type) -> list[str]:
    """List what a class takes to be constructed besides `self` and its configuration."""
    construct = inspect.getattr_static(cls, "__init__")
    if not inspect.isfunction(construct):  # a compiled class
        return []
    parameters = [*inspect.signature(construct).parameters.values()][1:]
    return [p.name for p in parameters if p.name != "config" and p.kind not in VARIABLE]


def _attribute(component: Actor, name: str) -> Any:
    private = f"_{type(component).__name__.lstrip('_')}__{name}"
    held = getattr(component, "__dict__", {})
    return next((held[n] for n in (name, f"_{name}", private) if n in held), _ABSENT)


def importable_components(engine: BacktestEngine) -> Json:
    """Return strategies, actors and execution algorithms as `BacktestEngineConfig` lists them."""
    return {
        kind: [importable(component, name) for component in getattr(engine.trader, kind)()]
        for kind, name in KINDS.items()
    }


def importable(component: Actor, kind: str) -> Json:
    """Return a component as NautilusTrader's importable configurations have it."""
    return {
        f"{kind}_path": path_of(type(component)),
        "config_path": path_of(type(component.config)),
        "config": _config(component, parseable=True),
    }


def _config(component: Actor, *, parseable: bool = False) -> Json:
    config = plain(component.config, parseable=parseable)
    return config if isinstance(config, dict) else {}


def attributes_of(thing: object) -> Json:
    """Return the attributes that Python code gave to an object, private ones included."""
    return {name: plain(value) for name, value in held_by(thing).items()}


def compiled_state(thing: object) -> JsonValue:
    """Return the fields of a compiled class, in the order in which it would pickle them.

    Cython writes the methods by which its classes are pickled, and these know every field of an
    object, also those that no attribute shows: the one complete account of a NautilusTrader model.
    """
    try:
        parts: Any = thing.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - a class may hold what cannot be pickled
        return Undescribed("<not described>")
    _, arguments, *states = parts
    held = states[0] if states and states[0] is not None else None
    fields = held if isinstance(held, tuple) else arguments[-1] if held is None else ()
    if not isinstance(fields, tuple):
        return []
    return [plain(field) for field in fields if field is not getattr(thing, "__dict__", None)]
