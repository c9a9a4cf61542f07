"""Why an engine of 2.0 ended before its data did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backtest_store.capture.identity.json_values import clean
from backtest_store.capture.identity.market_data import isoformat
from backtest_store.capture.outcome import Outcome

if TYPE_CHECKING:
    from backtest_store.capture.engines.nautilus2.requests import EngineRequests


def early_stop(engine: Any, asked: EngineRequests, expected: int) -> Outcome | None:
    """Return what stopped a run that was to make so many iterations; None if it made them."""
    iterations = engine.iteration
    is_short = not asked.has_all_data or iterations < expected
    if not is_short or (asked.shutdown is None and not asked.has_all_data):
        return None
    name, reason = asked.shutdown or ("the engine", None)
    text = f"Received ShutdownSystem from {name}" + ("" if reason is None else f": {reason}")
    if asked.shutdown is None:
        text = f"the engine ended after {iterations:,} of {expected:,} elements of data"
    return Outcome(
        status="stopped",
        error_type="ShutdownSystem" if asked.shutdown else "Stopped",
        error_message=clean(f"at {isoformat(engine.backtest_end)}: {text}"),
    )
