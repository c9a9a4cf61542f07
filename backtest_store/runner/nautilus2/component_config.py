"""A component's configuration in 2.0: which fields its class has, and how one is made and read."""

from __future__ import annotations

import inspect
from typing import Any

from backtest_store.capture.engines.nautilus2.engine_description import own_fields as held_by
from backtest_store.capture.identity.json_values import plain
from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import Place
from backtest_store.runner.nautilus2.annotated_config import AnnotatedConfig

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def own_fields(kind: type) -> set[str]:
    """Return the fields of a component's configuration that not every component has."""
    base = next(c for c in kind.__mro__ if c.__module__.startswith("nautilus_trader."))
    return set(fields_of(kind)) - _arguments(base)


def fields_of(kind: type) -> set[str]:
    """Return all fields that a component's configuration is known to have."""
    found: set[str] = set()
    for each in kind.__mro__[:-1]:
        found |= _arguments(each)
    return found | set(AnnotatedConfig.own_fields.__func__(kind))


def takes_any(kind: type) -> bool:
    """Tell whether a class takes arguments that it does not name."""
    if issubclass(kind, AnnotatedConfig):
        return False
    parameters = inspect.signature(kind).parameters.values()
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)


def _arguments(kind: type) -> set[str]:
    parameters = inspect.signature(kind).parameters.values()
    return {p.name for p in parameters if p.kind not in _VARIABLE and not p.name.startswith("_")}


def primitives(made: Any, given: Json) -> Json:
    """Return as JSON what a configuration was given, and what it holds of its own."""
    described = plain(given)
    return (described if isinstance(described, dict) else {}) | held_by(made)


def parse_component(values: Json, kind: type, place: Place) -> Any:
    """Return a component's configuration, made of keywords as NautilusTrader's node does."""
    try:
        return kind(**values)
    except StoreError as error:
        raise UsageError(f"{place.origin.at(place.keys)}: {error}", hint=error.hint) from None
    except (TypeError, ValueError) as error:
        place.refuse(error)
