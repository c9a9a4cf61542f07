"""Hear how each run of an engine ends, from the two methods that begin and end one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from backtest_store.capture.end_status import as_seen_from, leave_no_trace
from backtest_store.capture.engines.listeners import listener_of, listener_of_run
from backtest_store.capture.engines.nautilus1.internals import exchange_method

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine


@cache
def wrap_methods() -> None:
    """Wrap the methods of the engine's class, for good: a call costs a microsecond more."""
    from nautilus_trader.backtest.engine import BacktestEngine

    exchange_method(BacktestEngine, "run", _run(BacktestEngine.run))
    exchange_method(BacktestEngine, "end", _end(BacktestEngine.end))


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def run(engine: BacktestEngine, *args: Any, **named: Any) -> Any:
        listener = listener_of_run(engine)
        runs = 0 if listener is None else listener.runs
        if listener is not None:
            listener.called()
        try:
            return original(engine, *args, **named)
        except BaseException as error:
            leave_no_trace(error)
            if listener is not None:
                with as_seen_from(sys._getframe(1), error):  # noqa: SLF001 - the public way to it
                    listener.raised(error, runs)
            raise

    return run


def _end(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def end(engine: BacktestEngine) -> Any:
        try:
            result = original(engine)
        except BaseException as error:
            leave_no_trace(error)
            raise
        listener = listener_of(engine)
        if listener is not None:
            listener.ended()
        return result

    return end
