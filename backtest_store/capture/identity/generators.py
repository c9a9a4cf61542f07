"""The states of generators of random numbers that strategies and modules have of their own."""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

NUMPYS = "numpy.random"


def state_of(value: Any) -> dict[str, str] | None:
    """Describe a generator of Python's or NumPy's by its state; None of anything else.

    Raises NotImplementedError of one that draws from the system, which has none.
    """
    kind = type(value)
    if isinstance(value, Random):
        state: object = value.getstate()
    elif not kind.__module__.startswith(NUMPYS):
        return None
    elif hasattr(value, "bit_generator"):
        state = value.bit_generator.state
    elif hasattr(value, "get_state"):
        state = value.get_state()
    else:
        return None
    text = hashlib.sha256(_text(state).encode()).hexdigest()
    return {"generator": f"{kind.__module__}:{kind.__qualname__}", "sha256": text}


def _text(state: Any) -> str:
    """Write a state in a way that leaves out nothing of its arrays."""
    if isinstance(state, dict):
        return repr([(name, _text(part)) for name, part in sorted(state.items())])
    if isinstance(state, tuple):
        return repr([*map(_text, state)])
    return repr(state.tolist() if hasattr(state, "tolist") else state)
