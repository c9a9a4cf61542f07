"""A component's configuration in 2.0: which fields its class has, and how one is made and read."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, NoReturn

from backtest_store.capture.engines.nautilus2.description import own_fields as held_by
from backtest_store.capture.identity.json_values import plain
from backtest_store.errors import StoreError, UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import KeyPath, Origin, dotted
from backtest_store.runner.nautilus2.annotated_config import AnnotatedConfig

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Place:
    """Where in a config a value stands."""

    keys: KeyPath
    origin: Origin

    def below(self, *keys: str | int) -> Place:
        """Return a place below this one."""
        return Place((*self.keys, *keys), self.origin)

    def refuse(self, reason: object, value: object = ...) -> NoReturn:
        """Raise a `UsageError` that names the place."""
        was = "" if value is ... else f", was {value!r}"
        where = f"{dotted(self.keys)}: " if self.keys else ""
        raise UsageError(f"{self.origin.at(self.keys)}: {where}{reason}{was}")


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


def parse_component(values: Json, kind: type, keys: KeyPath, origin: Origin) -> Any:
    """Return a component's configuration, made of keywords as NautilusTrader's node does."""
    try:
        return kind(**values)
    except StoreError as error:
        raise UsageError(f"{origin.at(keys)}: {error}", hint=error.hint) from None
    except (TypeError, ValueError) as error:
        return Place(keys, origin).refuse(error)
