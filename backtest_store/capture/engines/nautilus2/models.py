"""What the models of fills, fees, latency and margins were made with.

They have no fields to be read; their classes are given an `__init__` that keeps the arguments.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module
from typing import Any

REMEMBERED = 4096
MODULES = ("execution", "backtest", "model")
_kept: OrderedDict[int, tuple[Any, dict[str, Any]]] = OrderedDict()


def keep_arguments(engine_class: type) -> None:
    """Keep the arguments of every model that is made from now on."""
    package = engine_class.__module__.rpartition(".")[0]
    for name in MODULES:
        held = vars(import_module(f"{package}.{name}"))
        for kind in [v for n, v in held.items() if n.endswith(("Model", "Module"))]:
            if isinstance(kind, type) and getattr(kind, "__init__", None) is object.__init__:
                type.__setattr__(kind, "__init__", _keep)


def _keep(model: Any, *args: Any, **named: Any) -> None:
    given = {**{str(place): value for place, value in enumerate(args)}, **named}
    _kept[id(model)] = (model, given)
    while len(_kept) > REMEMBERED:
        _kept.popitem(last=False)


def arguments_of(model: Any) -> dict[str, Any] | None:
    """Return the arguments that a model was made with; None if they are not known."""
    held, given = _kept.get(id(model), (None, None))
    return given if held is model else None


def in_order(text: str) -> str:
    """Return a value's text as Rust writes it, the entries of its maps in an order of their own.

    Rust has them in one that chance decides anew in each process. A map's brace is followed by its
    first entry, that of a structure by a space.
    """
    opening = text.find("{")
    closing = _end_of_group(text, opening)
    if closing is None:
        return text
    inside = text[opening + 1 : closing]
    entries = [in_order(entry.strip()) for entry in _entries(inside)]
    if not inside.startswith(" "):
        entries.sort()
    return f"{text[:opening]}{{{', '.join(entries)}}}{in_order(text[closing + 1 :])}"


def _end_of_group(text: str, opening: int) -> int | None:
    depth = 0
    for place in range(opening, len(text)) if opening >= 0 else ():
        depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return place
    return None


def _entries(text: str) -> list[str]:
    """Split a text at its commas, but for those within brackets."""
    depth, entries = 0, [""]
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            entries.append("")
        else:
            entries[-1] += letter
    return entries
