"""What the names hold that a run's code looks up when the run begins, as no source tells it.

A script may take a module's name or a class's attribute from its command line or from the
environment, put one function in place of another, or ask for a variable while it trades.
"""

from __future__ import annotations

import dis
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from types import (
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)

from backtest_store.capture.identity.code.own_modules import is_own
from backtest_store.capture.identity.code.source import contents_of, function_in
from backtest_store.capture.identity.json_values import (
    MAX_NODES,
    in_any_process,
    is_whole,
    path_of,
    plain,
)
from backtest_store.capture.identity.objects import is_of_own_class, known_of
from backtest_store.models import Json

HOLDERS = (FunctionType, classmethod, staticmethod, property, type(lru_cache(len)))
NO_VALUES = (ModuleType, MemberDescriptorType, GetSetDescriptorType, PurePath)  # places are none
ENVIRONMENT = frozenset({"environ", "environb", "getenv"})
GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
OF_ANOTHER = frozenset({"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"})


def values_in_code(classes: Iterable[type]) -> Json:
    """Return what can be described of the values that the code of classes looks up, by name."""
    found = _Found()
    for cls in classes:
        found.look_at(cls, cls.__qualname__)
    return found.values | found.surroundings()


@dataclass(frozen=True)
class _LookUps:
    """What code looks up: names of its module, names of other things, modules; and its texts."""

    names: frozenset[str]
    attributes: frozenset[str]
    modules: frozenset[str]
    texts: frozenset[str]


@lru_cache(maxsize=4096)
def _look_ups(code: CodeType) -> _LookUps:
    steps = [step for part in _parts(code) for step in dis.get_instructions(part)]
    texts = (text for part in _parts(code) for text in part.co_consts if isinstance(text, str))
    return _LookUps(
        frozenset(step.argval for step in steps if step.opname in GLOBAL),
        frozenset(step.argval for step in steps if step.opname in OF_ANOTHER),
        frozenset(step.argval for step in steps if step.opname == "IMPORT_NAME"),
        frozenset(texts),
    )


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


class _Found:
    """What was reached from a run's classes so far."""

    def __init__(self) -> None:
        self.values: Json = {}
        self._seen: set[object] = set()
        self._names: set[str] = set()
        self._texts: set[str] = set()

    def look_at(self, value: object, name: str) -> None:
        """Note a value, or what the code in it looks up."""
        if isinstance(value, FunctionType):
            self._function(value, name)
        elif isinstance(value, type):
            self._class(value)
        elif not isinstance(value, (*HOLDERS, *NO_VALUES)) and not _is_left_out(value):
            self._value(value, name)
        if isinstance(value, HOLDERS) and (inner := function_in(value)) is not value:
            self.look_at(inner, f"{name} holds")

    def _value(self, value: object, name: str) -> None:
        described = known_of(value)
        if described is not None or value is None:
            self.values[name] = described
        if is_of_own_class(value):
            self._class(type(value))

    def surroundings(self) -> Json:
        """Return what the code asks for of its process: variables and the command line."""
        asked = self._texts & os.environ.keys() if self._names & ENVIRONMENT else set()
        found: Json = {f"environ {name}": os.environ[name] for name in asked}
        return found | ({"argv": list(sys.argv[1:])} if "argv" in self._names else {})

    def _function(self, function: FunctionType, name: str) -> None:
        module = _own(sys.modules.get(function.__module__ or ""))
        if module is None:
            return
        described = [plain(item) for item in contents_of(function) if item]
        told = [path_of(function), *filter(is_whole, described)]
        if told != [name]:
            self.values[name] = told
        if function.__code__ not in self._seen:
            self._seen.add(function.__code__)
            self._code(_look_ups(function.__code__), module)

    def _code(self, found: _LookUps, module: ModuleType) -> None:
        self._names |= found.names | found.attributes
        self._texts |= found.texts
        self._names_of(module, found.names)
        others = [vars(module).get(name) for name in found.names]
        others += [sys.modules.get(name) for name in found.modules]
        for other in filter(None, map(_own, others)):
            self._names_of(other, found.attributes)

    def _names_of(self, module: ModuleType, names: Iterable[str]) -> None:
        held = vars(module)
        for name in sorted(held.keys() & names):
            if not name.startswith("__"):
                self.look_at(held[name], f"{in_any_process(module.__name__)}:{name}")

    def _class(self, cls: type) -> None:
        for kind in cls.__mro__:
            if kind in self._seen or _own(sys.modules.get(kind.__module__)) is None:
                continue
            self._seen.add(kind)
            for name, value in sorted(vars(kind).items()):
                if not name.startswith("__") or isinstance(value, HOLDERS):
                    self.look_at(value, f"{path_of(kind)}.{name}")


def _is_left_out(value: object) -> bool:
    """Tell whether a value is what `surroundings` has a part of, or too long to be described."""
    if value is sys.argv or value is os.environ:
        return True
    return isinstance(value, Collection) and len(value) > MAX_NODES and not hasattr(value, "dtype")


def _own(module: object) -> ModuleType | None:
    return module if isinstance(module, ModuleType) and is_own(module) else None
