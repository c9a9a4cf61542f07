"""What a run came to, as its engine shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.capture.details import Outcome, outcome_of
from backtest_store.capture.engines.v1 import early_stops
from backtest_store.capture.identity.json_values import clean

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine

UNENDED = Outcome(
    status="interrupted",
    error_message="the run did not reach its end: its exception was handled, or `engine.end()` "
    "was not called after `run(streaming=True)`",
)


def outcome_of_run(
    engine: BacktestEngine,
    error: BaseException | None = None,
    seen: early_stops.Seen | None = None,
    *,
    has_begun: bool = True,
) -> Outcome:
    """Return what the run came to that an engine has behind it.

    Parameters
    ----------
    engine : BacktestEngine
        An engine that has run.
    error : BaseException, optional
        What ended the run, or kept it from beginning.
    seen : Seen, optional
        What was seen of the run, if it was watched.
    has_begun : bool
        Whether there was a run at all.
    """
    if error is None:
        return UNENDED if is_under_way(engine) else _ended(engine, seen)
    if has_begun and seen is not None and early_stops.is_account_error(error):
        # Of a stream the engine raises what stops a run, after it has said so.
        seen.account_error = early_stops.described(error)
        return _ended(engine, seen)
    return outcome_of(error)


def is_under_way(engine: BacktestEngine) -> bool:
    """Tell whether an engine has begun a run, and not come to its end."""
    is_over = engine.run_finished is not None and not engine.trader.is_running
    return not is_over and engine.run_id is not None


def _ended(engine: BacktestEngine, seen: early_stops.Seen | None) -> Outcome:
    """Return what a run came to whose end was reached: it succeeded, or was stopped."""
    stop = early_stops.stop_of(engine, seen)
    if stop is None:
        return Outcome()
    return Outcome(status="stopped", error_type=stop.kind, error_message=clean(stop.reason))
