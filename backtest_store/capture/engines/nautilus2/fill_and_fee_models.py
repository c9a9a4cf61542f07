"""What the models of fills, fees, latency and margins were made with.

They have no fields to be read; their classes are given an `__init__` that keeps the arguments.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from importlib import import_module
from typing import Any

from backtest_store.capture.identity.config_hash import CERTAIN, DRAWING

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


def is_model(value: object) -> bool:
    """Tell whether a value is a model of fills, fees, latency or margins, or a venue's module."""
    return type(value).__name__.endswith(("Model", "Module"))


def draws_unseeded(model: Any) -> bool:
    """Tell whether a model draws random numbers from where nothing seeded it, as its text says.

    Its generator is of Rust, of which nobody sees the state.
    """
    text = repr(model)
    is_certain = all(float(chance) in CERTAIN for chance in _CHANCE.findall(text))
    return "random_seed: None" in text and not (is_certain and type(model).__name__ != DRAWING)


def arguments_of(model: Any) -> dict[str, Any] | None:
    """Return the arguments that a model was made with; None if they are not known."""
    held, given = _kept.get(id(model), (None, None))
    return given if held is model else None


def with_sorted_maps(text: str) -> str:
    """Return a value's text as Rust writes it, the entries of its maps in an order of their own.

    Rust has them in one that chance decides anew in each process. A map's brace is followed by its
    first entry, that of a structure by a space. Groups are taken out from within.
    """
    groups: list[str] = []

    def whole(part: str) -> str:
        return _TAKEN_OUT.sub(lambda found: groups[int(found[1])], part)

    while group := _INNERMOST.search(text):
        opening, inside, closing = group.groups()
        entries = [whole(entry) for entry in inside.split(", ")]
        if opening == "{" and not inside.startswith(" "):
            entries.sort()
        text = f"{text[: group.start()]}\0{len(groups)}\0{text[group.end() :]}"
        groups.append(f"{opening}{', '.join(entries)}{closing}")
    return whole(text)


_CHANCE = re.compile(r"prob_\w+: ([0-9.e-]+)")
_INNERMOST = re.compile(r"([\[({])([^\[\](){}]*)([\])}])")
_TAKEN_OUT = re.compile("\0([0-9]+)\0")
