"""What objects of the user's classes hold, as far as it can be described."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

from backtest_store.capture.identity.code.own_modules import is_own
from backtest_store.capture.identity.json_values import (
    MAX_DEPTH,
    Walk,
    canonical,
    is_whole,
    path_of,
    plain,
)
from backtest_store.models import JsonValue

MAX_OBJECTS = 1_000  # looked into: more are data and not settings
SEQUENCES, SETS = (list, tuple, deque), (set, frozenset)


def known_of(value: object) -> JsonValue:
    """Return what can be described of a value, of the user's own objects what they hold.

    None if that is nothing. What cannot be described of an object is left out of it.
    """
    return _Objects().visit(value)


class _Objects:
    """One pass over objects, safe from cycles; the walk's bounds are those of all of it."""

    def __init__(self) -> None:
        self._walk = Walk()
        self._left = MAX_OBJECTS
        self._parents: set[int] = set()

    def visit(self, value: object, depth: int = 0) -> JsonValue:
        """Return what can be described of a value."""
        described = self._walk.visit(value)
        if is_whole(described):
            return described
        if id(value) in self._parents or not self._left or depth >= MAX_DEPTH:
            return None
        self._left -= 1
        self._parents.add(id(value))
        try:
            return self._inside(value, depth + 1)
        except Exception:  # noqa: BLE001 - a stranger's object may raise anything
            return None
        finally:
            self._parents.discard(id(value))

    def _inside(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, (*SEQUENCES, *SETS, Mapping)) and len(value) > MAX_OBJECTS:
            return None
        if isinstance(value, SEQUENCES):
            return [self.visit(item, depth) for item in value]
        if isinstance(value, SETS):
            found = sorted((self.visit(item, depth) for item in value), key=canonical)
            # Which of a set comes first differs in every process, and so what a bound cuts.
            return found if self._left and is_whole(self._walk.visit(None)) else None
        if isinstance(value, Mapping):
            return {str(plain(name)): self.visit(item, depth) for name, item in value.items()}
        if not is_of_own_class(value):
            return None
        held = {name: self.visit(item, depth) for name, item in held_by(value).items()}
        return {"class": path_of(type(value)), "held": held}


def held_by(thing: object) -> dict[str, Any]:
    """Return the attributes that Python code gave to an object, private ones included."""
    slots = [n for kind in type(thing).__mro__ for n in _slots(kind) if hasattr(thing, n)]
    held = {name: getattr(thing, name) for name in slots} | getattr(thing, "__dict__", {})
    return {str(name): value for name, value in held.items()}


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(_in_class(kind, name) for name in names)


def _in_class(kind: type, name: str) -> str:
    """Return a name as Python has it in a class: a private one has the class's before it."""
    is_private = name.startswith("__") and not name.endswith("__")
    return f"_{kind.__name__.lstrip('_')}{name}" if is_private else name


def is_of_own_class(value: object) -> bool:
    """Tell whether an object's class is of the user's own modules."""
    module = sys.modules.get(type(value).__module__)
    return module is not None and is_own(module)
