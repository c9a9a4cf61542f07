"""The random numbers that a run draws, if it does: whence they come."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from backtest_store.capture.identity.imports import NUMPY, RANDOM
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.backtest.models import FillModel

# Of NautilusTrader's own fill models, the one that draws whatever its probabilities are.
DRAWING = "ProbabilisticFillModel"
CERTAIN = (0, 1)


def generators(drawn: Collection[str]) -> Json:
    """Digest the states of those generators that are drawn from, of the ones a process shares.

    NautilusTrader's models seed and draw from Python's, so what a run draws depends on its state
    when the run begins: only the first run after the seed begins where the seed says.
    """
    states: dict[str, object] = {RANDOM: random.getstate()}
    if numpy := sys.modules.get("numpy.random"):
        states[NUMPY] = _numpy_state(numpy)
    return {name: _digest(state) for name, state in states.items() if name in drawn}


def model_draws(model: FillModel) -> bool:
    """Tell whether a fill model draws random numbers to fill orders."""
    if DRAWING in (kind.__name__ for kind in type(model).__mro__):
        return True
    names = [name for name in dir(model) if name.startswith("prob_")]
    return any(getattr(model, name) not in CERTAIN for name in names)


def _numpy_state(numpy: object) -> object:
    name, keys, *rest = numpy.get_state()  # type: ignore[attr-defined]
    return name, keys.tobytes(), rest


def _digest(state: object) -> str:
    return hashlib.sha256(repr(state).encode()).hexdigest()
