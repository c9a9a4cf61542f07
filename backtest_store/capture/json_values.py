"""Whatever a configuration may hold, as plain JSON that PostgreSQL takes and that keeps its meaning."""

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
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final
from uuid import UUID

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]

MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000
MAX_TEXT: Final = 1_000_000
MAX_INTEGER_BITS: Final = 4096
CUT: Final = "…"

# PostgreSQL's jsonb refuses NUL, and no UTF-8 can hold half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# An address in a repr differs in every process, and the configuration's hash must not.
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def plain(value: object) -> Plain:
    """Return a value as JSON has it; what JSON lacks becomes text, and nothing raises."""
    return _Walk().visit(value, 0)


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

    def __init__(self) -> None:
        self._nodes = 0
        self._parents: set[int] = set()

    def visit(self, value: object, depth: int) -> Plain:
        """Return one value as JSON."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            return CUT
        try:
            known, result = _scalar(value)
            return result if known else self._container(value, depth)
        except Exception:  # noqa: BLE001 - a property of a stranger's object may raise anything
            return f"<{clean(type(value).__qualname__)}>"

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
        if fields is not None:
            return self._object(fields, depth)
        return _opaque(value)

    def _object(self, items: Iterable[tuple[object, object]], depth: int) -> dict[str, Plain]:
        return {_key(name): self.visit(item, depth) for name, item in items}


def _scalar(value: object) -> tuple[bool, Plain]:
    """Return whether a value is a single one, and then what JSON has for it."""
    if value is None or isinstance(value, bool):
        return True, value
    if isinstance(value, Enum):
        return True, clean(str(value.name if value.name is not None else value))
    if isinstance(value, str):
        return True, clean(str(value))
    if isinstance(value, int):
        return True, _integer(int(value))
    if isinstance(value, float):
        return True, _real(float(value))
    return _text(value)


def _text(value: object) -> tuple[bool, Plain]:
    """Return whether a value is one that text keeps whole, and then its text."""
    if isinstance(value, Decimal | UUID | PurePath):
        return True, clean(str(value))
    if isinstance(value, datetime | date | time):
        return True, value.isoformat()
    if isinstance(value, timedelta):
        return True, str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return True, {"base64": base64.b64encode(bytes(value)[:MAX_TEXT]).decode("ascii")}
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
        return True, clean(path_of(value))
    if isinstance(value, ModuleType):
        return True, clean(value.__name__)
    return False, None


def _integer(value: int) -> Plain:
    return value if value.bit_length() <= MAX_INTEGER_BITS else clean(hex(value))


def _real(value: float) -> Plain:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _key(name: object) -> str:
    known, value = _scalar(name)
    if known and isinstance(value, str):
        return value
    return clean(canonical(value) if known else ADDRESS.sub("", str(name)))


def _fields(value: object) -> Iterable[tuple[str, object]] | None:
    """Return the fields of a configuration object: NautilusTrader's, a dataclass, a Pydantic model."""
    names = getattr(type(value), "__struct_fields__", None)
    if names is None and dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    if names is None:
        names = getattr(type(value), "model_fields", None)
    if names is None:
        return None
    return [(name, getattr(value, name, None)) for name in names]


def _opaque(value: object) -> Plain:
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy's scalars and arrays
        return plain(value.tolist())
    text = str(value) if is_nautilus(value) else repr(value)
    return clean(ADDRESS.sub("", text))
