"""All that an object of a compiled class holds, also what it shows to nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backtest_store.capture.identity.json_values import Undescribed, plain
from backtest_store.models import Json, Plain


def attributes_of(thing: object) -> Json:
    """Return the attributes that Python code gave to an object, private ones included."""
    slots = [n for kind in type(thing).__mro__ for n in _slots(kind) if hasattr(thing, n)]
    held = {name: getattr(thing, name) for name in slots} | getattr(thing, "__dict__", {})
    return {str(name): plain(value) for name, value in held.items()}


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def compiled_state(thing: object) -> Plain:
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
