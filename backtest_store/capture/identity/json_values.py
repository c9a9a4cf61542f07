"""What a configuration may hold, as plain JSON that PostgreSQL takes and that means the same."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Final, get_args, get_type_hints
from uuid import UUID

from backtest_store.models import Plain

MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000
MAX_ARRAY: Final = 1_000
MAX_CHARACTERS: Final = 16_000_000
MAX_TEXT: Final = 1_000_000
MAX_INTEGER_BITS: Final = 4096
CUT: Final = "…"

# PostgreSQL's jsonb refuses NUL, and no UTF-8 can hold half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# An address in a repr differs in every process, and the configuration's hash must not.
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def plain(value: object, *, parseable: bool = False) -> Plain:
    """Return a value as JSON has it; what JSON lacks becomes text, and nothing raises.

    With `parseable`, an enumeration's number stays a number in the fields of configurations that
    take nothing else when NautilusTrader reads them again.
    """
    return _Walk(parseable=parseable).visit(value, 0)


def canonical(value: Plain) -> str:
    """Write JSON in the one way that depends on its content alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def clean(text: str) -> str:
    """Replace the characters that PostgreSQL refuses, and cut what nobody would read."""
    kept = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + CUT
    return UNSTORABLE.sub("\ufffd", kept)


def path_of(thing: type | Callable[..., object]) -> str:
    """Return a class's or function's importable path, `module:name`, as NautilusTrader has it."""
    module = getattr(thing, "__module__", None) or "builtins"
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{module}:{name}"


def is_nautilus(value: object) -> bool:
    """Tell whether a value is one of NautilusTrader's own: Money, BarType, InstrumentId …."""
    return type(value).__module__.startswith("nautilus_trader.")


class _Walk:
    """One pass over a value, bounded in depth and in the number of values, and safe from cycles."""

    def __init__(self, *, parseable: bool) -> None:
        self._parseable = parseable
        self._nodes = 0
        self._characters = 0
        self._parents: set[int] = set()

    def visit(self, value: object, depth: int) -> Plain:
        """Return one value as JSON."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            return CUT
        try:
            known, result = _scalar(value)
            return self._weighed(result) if known else self._container(value, depth)
        except Exception:  # noqa: BLE001 - a property of a stranger's object may raise anything
            return f"<{clean(type(value).__qualname__)}>"

    def _weighed(self, scalar: Plain) -> Plain:
        """Let texts through until they are more than PostgreSQL takes in one value."""
        if isinstance(scalar, str):
            self._characters += len(scalar)
        return scalar if self._characters <= MAX_CHARACTERS else CUT

    def _container(self, value: object, depth: int) -> Plain:
        if id(value) in self._parents:
            return "<cycle>"
        if depth >= MAX_DEPTH:
            return CUT
        self._parents.add(id(value))
        try:
            return self._inside(value, depth + 1)
        finally:
            self._parents.discard(id(value))

    def _inside(self, value: object, depth: int) -> Plain:
        if isinstance(value, Mapping):
            return self._object(value.items(), depth)
        if isinstance(value, AbstractSet):
            return sorted((self.visit(item, depth) for item in value), key=canonical)
        if isinstance(value, list | tuple | deque):
            return [self.visit(item, depth) for item in value]
        fields = _fields(value)
        if fields is None:
            return _opaque(value)
        if self._parseable:
            fields = [(name, _numbered(type(value), name, item)) for name, item in fields]
        return self._object(fields, depth)

    def _object(self, items: Iterable[tuple[object, object]], depth: int) -> dict[str, Plain]:
        return {_key(name): self.visit(item, depth) for name, item in items}


def _scalar(value: object) -> tuple[bool, Plain]:
    """Return whether a value is a single one, and then what JSON has for it."""
    if value is None or isinstance(value, bool):
        return True, value
    if isinstance(value, Enum):
        return True, clean(_enumerated(value))
    if isinstance(value, int | float):
        return True, _number(value)
    return _text(value)


def _text(value: object) -> tuple[bool, Plain]:
    """Return whether a value is one that text keeps whole, and then its text."""
    if isinstance(value, str | Decimal | UUID | PurePath | timedelta):
        return True, clean(str(value))
    if isinstance(value, datetime | date | time):
        return True, value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return True, {"base64": base64.b64encode(bytes(value)[:MAX_TEXT]).decode("ascii")}
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
        return True, clean(path_of(value))
    if isinstance(value, ModuleType):
        return True, clean(value.__name__)
    return False, None


def _enumerated(value: Enum) -> str:
    """Return what NautilusTrader's configurations write: the name of a number, a text itself."""
    return str(value.value if isinstance(value.value, str) else value.name or value)


def _number(value: float) -> Plain:
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_INTEGER_BITS else clean(hex(value))
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _key(name: object) -> str:
    known, value = _scalar(name)
    if known and isinstance(value, str):
        return value
    return clean(canonical(value) if known else ADDRESS.sub("", str(name)))


def _fields(value: object) -> Iterable[tuple[str, object]] | None:
    """Return the fields of a configuration: NautilusTrader's, a dataclass, a Pydantic model."""
    names = getattr(type(value), "__struct_fields__", None)
    if names is None and dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    if names is None:
        names = getattr(type(value), "model_fields", None)
    if names is None:
        return None
    return [(name, getattr(value, name, None)) for name in names]


def _numbered(cls: type, name: str, value: object) -> object:
    if isinstance(value, Enum) and isinstance(value, int) and name in _number_fields(cls):
        return int(value)
    return value


@cache
def _number_fields(cls: type) -> frozenset[str]:
    """Return the fields of a configuration that are not read from text."""
    try:
        hints = get_type_hints(cls)
    except Exception:  # noqa: BLE001 - an annotation may name what cannot be found
        return frozenset()
    return frozenset(name for name, hint in hints.items() if str not in (hint, *get_args(hint)))


def _opaque(value: object) -> Plain:
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy's scalars and arrays
        return (
            plain(value.tolist()) if getattr(value, "size", 1) <= MAX_ARRAY else clean(repr(value))
        )
    text = str(value) if is_nautilus(value) else repr(value)
    return clean(ADDRESS.sub("", text))
