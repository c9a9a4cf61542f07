"""Other values for the fields of NautilusTrader's own classes, by the type of each.

A field that a later version adds is varied without being named here.
"""

import enum
import inspect
import types
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import EUR, USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import (
    ClientId,
    InstrumentId,
    StrategyId,
    TraderId,
    Venue,
)
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

BY_TYPE: dict[Any, list[Any]] = {
    str: ["other"],
    Decimal: [Decimal("2.5")],
    Money: [Money(7, USD)],
    Currency: [EUR],
    Price: [Price.from_str("1.25")],
    Quantity: [Quantity.from_str("7")],
    InstrumentId: [InstrumentId.from_str("OTHER.XNAS")],
    BarType: [BarType.from_str("OTHER.XNAS-1-DAY-LAST-EXTERNAL")],
    StrategyId: [StrategyId("Other-001")],
    TraderId: [TraderId("OTHER-001")],
    ClientId: [ClientId("OTHER")],
    Venue: [Venue("OTHER")],
    datetime: [datetime(2024, 1, 2)],  # noqa: DTZ001 - any will do
    UUID4: [UUID4.from_str("2d89666b-1a1e-4a75-b193-4eb3b454c757")],
    dict: [{"other": 1}],
    list: [["other"]],
    Any: ["other"],
    object: ["other"],
}


def fields_of(config: type) -> Iterator[tuple[str, Any]]:
    """Yield the names and types of a configuration's fields."""
    for field in msgspec.structs.fields(config):
        yield field.name, field.type


def others(kind: Any, value: Any) -> list[Any]:
    """Return values of a type that are not the given one; none where the type is not known."""
    return [other for other in _values(kind, value) if not _same(other, value)]


def _same(a: Any, b: Any) -> bool:
    return (type(a) is type(b) and a == b) or (isinstance(a, enum.Enum) and a.name == b)


def _values(kind: Any, value: Any) -> list[Any]:
    if kind in BY_TYPE:
        return BY_TYPE[kind]
    if kind is bool:
        return [True, False]
    if kind is int:
        return [(value or 0) + 1]
    if kind is float:
        return [0.25 if value != 0.25 else 0.5]
    if inspect.isclass(kind):
        return _members(kind, value)
    return _generic(kind, value)


def _members(kind: type, value: Any) -> list[Any]:
    if issubclass(kind, enum.Enum):
        return [*kind]
    if issubclass(kind, msgspec.Struct):
        held = value if isinstance(value, kind) else made(kind)
        return [held, *_structs(held)]
    return []


def made(kind: type[msgspec.Struct]) -> Any:
    """Make a configuration from what it cannot do without."""
    needed = [f for f in msgspec.structs.fields(kind) if f.required]
    return kind(**{f.name: _values(f.type, None)[0] for f in needed})


def _structs(value: msgspec.Struct) -> Iterator[Any]:
    """Yield a configuration with each of its fields another."""
    for name, kind in fields_of(type(value)):
        for other in others(kind, getattr(value, name))[:1]:
            yield msgspec.structs.replace(value, **{name: other})


def _generic(kind: Any, value: Any) -> list[Any]:
    origin, args = get_origin(kind), [a for a in get_args(kind) if a is not ...]
    if origin is Annotated:
        return _values(args[0], value)
    if origin in (Union, types.UnionType):
        return [made for arg in args if arg is not type(None) for made in _values(arg, value)]
    if origin is type:
        return [args[0]]
    inner = [made for arg in args[-1:] for made in _values(arg, None)][:1]
    if origin is dict and inner:
        return [{_values(args[0], None)[0]: inner[0]}]
    return [origin(inner)] if origin in (list, tuple, set, frozenset) and inner else []
