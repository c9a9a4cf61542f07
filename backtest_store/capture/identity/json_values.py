"""What a configuration may hold, as plain JSON that PostgreSQL takes and that means the same.

What JSON cannot hold whole is there as an `Undescribed` text: who computes an identity asks
`is_whole`, since two values that are described alike need not be the same.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache, partial
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, get_args, get_type_hints
from uuid import UUID

from backtest_store.capture.identity.generators import state_of
from backtest_store.models import JsonValue

MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000
MAX_ARRAY: Final = 1_000
MAX_CHARACTERS: Final = 16_000_000  # in all: PostgreSQL takes no more in one value
MAX_TEXT: Final = 1_000_000
MAX_INTEGER_BITS: Final = 4096
CUT: Final = "…"

# PostgreSQL's jsonb refuses NUL, and no UTF-8 can hold half of a surrogate pair.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Modules of Python's whose values' texts tell them apart.
VALUES: Final = frozenset({"fractions", "zoneinfo", "ipaddress", "re", "datetime"})
# An address in a repr differs in every process, and the configuration's hash must not.
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def plain(value: object, *, parseable: bool = False) -> JsonValue:
    """Return a value as JSON has it; what JSON lacks becomes text, and nothing raises.

    With `parseable`, an enumeration's number stays a number in the fields of configurations that
    take nothing else when NautilusTrader reads them again.
    """
    return Walk(parseable=parseable).visit(value)


def canonical(value: JsonValue) -> str:
    """Write JSON in the one way that depends on its content alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def clean(text: str) -> str:
    """Replace the characters that PostgreSQL refuses, and cut what nobody would read."""
    kept = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + CUT
    return UNSTORABLE.sub("\ufffd", kept)


def path_of(thing: type | Callable[..., object]) -> str:
    """Return a class's or function's importable path, `module:name`, as NautilusTrader has it."""
    module = in_any_process(getattr(thing, "__module__", None) or "builtins")
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{module}:{name}"


def in_any_process(module: str) -> str:
    """Return a module's name as it is in the process whose script it is: spawned ones rename it."""
    return "__main__" if module == "__mp_main__" else module


def is_nautilus(value: object) -> bool:
    """Tell whether a value is one of NautilusTrader's own: Money, BarType, InstrumentId …."""
    return type(value).__module__.startswith("nautilus_trader.")


class Undescribed(str):
    """Text that stands for a value without telling it from every other."""

    __slots__ = ()


def is_whole(value: object) -> bool:
    """Tell whether JSON made by `plain` describes its value from end to end."""
    if isinstance(value, Mapping):
        return all(is_whole(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(map(is_whole, value))
    return not isinstance(value, Undescribed)


class Walk:
    """One pass over a value, bounded in depth and in the number of values, and safe from cycles."""

    def __init__(self, *, parseable: bool = False) -> None:
        self._parseable = parseable
        self._nodes = 0
        self._characters = 0
        self._parents: set[int] = set()

    def visit(self, value: object, depth: int = 0) -> JsonValue:
        """Return one value as JSON."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            return Undescribed(CUT)
        try:
            known, result = _scalar(value, parseable=self._parseable)
            if not known:
                return self._container(value, depth)
        except Exception:  # noqa: BLE001 - a property of a stranger's object may raise anything
            return Undescribed(f"<{clean(type(value).__qualname__)}>")
        if isinstance(result, str):
            self._characters += len(result)
        return result if self._characters <= MAX_CHARACTERS else Undescribed(CUT)

    def _container(self, value: object, depth: int) -> JsonValue:
        if id(value) in self._parents:
            return Undescribed("<cycle>")
        if depth >= MAX_DEPTH:
            return Undescribed(CUT)
        self._parents.add(id(value))
        try:
            return self._inside(value, depth + 1)
        finally:
            self._parents.discard(id(value))

    def _inside(self, value: object, depth: int) -> JsonValue:
        if isinstance(value, Mapping):
            return self._object(value.items(), depth)
        if isinstance(value, AbstractSet):
            return sorted((self.visit(item, depth) for item in value), key=canonical)
        if isinstance(value, list | tuple | deque):
            return [self.visit(item, depth) for item in value]
        fields = _fields(value)
        if fields is None:
            return self._opaque(value, depth)
        if self._parseable:
            fields = [(name, _named(type(value), name, item)) for name, item in fields]
        return self._object(fields, depth)

    def _opaque(self, value: Any, depth: int) -> JsonValue:
        """Describe what is neither a scalar nor a container of JSON's."""
        if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy's arrays, pandas' series
            if hasattr(value, "index") and hasattr(value, "to_numpy"):
                return self._object([("index", value.index), ("data", value.to_numpy())], depth)
            return self._array(value, depth)
        if hasattr(value, "columns") and hasattr(value, "iloc"):  # pandas' frames
            names = [_key(name) for name in value.columns]
            series = [value.iloc[:, place].to_numpy() for place in range(len(names))]
            whole = [("columns", names), ("index", value.index), ("data", series)]
            return self._object(whole, depth)
        if (state := state_of(value)) is not None:
            return {**state}
        if isinstance(value, partial):
            parts = [("function", value.func), ("args", value.args), ("keywords", value.keywords)]
            return self._object(parts, depth)
        return _text_of(value)

    def _array(self, value: Any, depth: int) -> JsonValue:
        """Return the elements of an array; of one that is long, or has odd ones, their digest."""
        if getattr(value, "size", 1) <= MAX_ARRAY:
            return self.visit(value.tolist(), depth)
        if not hasattr(value, "tobytes"):  # pandas' index
            return self.visit(value.to_numpy(), depth)
        elements = value.dtype.fields is not None or value.dtype.hasobject
        raw = repr(value.tolist()).encode() if elements else value.tobytes()
        if elements and ADDRESS.search(raw.decode()):
            return Undescribed("<array of objects>")  # other addresses in every process
        return {
            "array": f"{value.dtype} {list(value.shape)}",
            "sha256": hashlib.sha256(raw).hexdigest(),
        }

    def _object(self, items: Iterable[tuple[object, object]], depth: int) -> dict[str, JsonValue]:
        some = islice(items, MAX_NODES + 1)  # a stranger's mapping may have no end
        return {_key(name): self.visit(item, depth) for name, item in some}


def _scalar(value: object, *, parseable: bool = False) -> tuple[bool, JsonValue]:
    """Return whether a value is a single one, and then what JSON has for it."""
    if value is None or isinstance(value, bool):
        return True, value
    if isinstance(value, Enum):
        return True, _enumerated(value, parseable=parseable)
    if isinstance(value, int | float):
        return True, _number(value)
    return _text(value)


def _text(value: object) -> tuple[bool, JsonValue]:
    """Return whether a value is one that text keeps whole, and then its text."""
    if isinstance(value, Undescribed):
        return True, value
    if isinstance(value, str | Decimal | UUID | PurePath | timedelta):
        return True, _whole(str(value))
    if isinstance(value, datetime | date | time):
        return True, value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return True, _base64(bytes(value))
    return _code(value)


def _code(value: object) -> tuple[bool, JsonValue]:
    """Return whether a value is code, and then its path, and what it does where that is not all."""
    if isinstance(value, FunctionType) and "<" in value.__qualname__:
        return True, _function(value)
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
        return True, clean(path_of(value))
    if isinstance(value, ModuleType):
        return True, clean(value.__name__)
    return False, None


def _whole(text: str) -> JsonValue:
    """Return a text; of one that is too long its beginning and the digest of all of it."""
    if len(text) <= MAX_TEXT:
        return clean(text)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"{clean(text)} sha256 {digest}"


def _base64(content: bytes) -> JsonValue:
    shown = {"base64": base64.b64encode(content[:MAX_TEXT]).decode("ascii")}
    if len(content) <= MAX_TEXT:
        return shown
    return shown | {"sha256": hashlib.sha256(content).hexdigest()}


def _function(function: FunctionType) -> JsonValue:
    """Describe a function that its path does not tell from others: a lambda, a closure."""
    from backtest_store.capture.identity.code.source import code_digest

    return {"function": clean(path_of(function)), "sha256": code_digest(function)}


def _enumerated(value: Enum, *, parseable: bool) -> JsonValue:
    """Return what NautilusTrader's configurations show, or what they read from JSON again."""
    if isinstance(value.value, str):
        return clean(value.value)
    if parseable and isinstance(value.value, int):
        return value.value
    return clean(str(value.name or value))


def _number(value: float) -> JsonValue:
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_INTEGER_BITS else clean(hex(value))
    if math.isfinite(value):
        return float(value)
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


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
    return None if names is None else [(name, getattr(value, name, None)) for name in names]


def _named(cls: type, name: str, value: object) -> object:
    """Return an enumeration's name in the fields of configurations that read text, too."""
    if isinstance(value, Enum) and name in _text_fields(cls):
        return _enumerated(value, parseable=False)
    return value


@cache
def _text_fields(cls: type) -> frozenset[str]:
    """Return the fields of a configuration that take a text."""
    try:
        hints = get_type_hints(cls)
    except Exception:  # noqa: BLE001 - an annotation may name what cannot be found
        return frozenset()
    return frozenset(name for name, hint in hints.items() if str in (hint, *get_args(hint)))


def _text_of(value: object) -> JsonValue:
    if is_nautilus(value):
        return _nautilus_text(value)
    text = clean(ADDRESS.sub("", repr(value)))
    # A class of the user's tells of itself what it likes; a value of Python's own, all.
    is_builtin = type(value).__module__ == "builtins" and type(value) is not object
    return text if is_builtin or type(value).__module__ in VALUES else Undescribed(text)


def _nautilus_text(value: object) -> JsonValue:
    write = getattr(type(value), "to_dict", None)
    if write is not None:
        with suppress(Exception):
            return plain(write(value))
    text = str(value)
    cleaned = clean(ADDRESS.sub("", text))
    return cleaned if ADDRESS.search(text) is None else Undescribed(cleaned)
