"""Hear how each run of an engine ends, from the two methods that begin and end one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from backtest_store.capture.end_status import as_seen_from, leave_no_trace
from backtest_store.capture.engines.interface import MakeRunListener, RunListener
from backtest_store.capture.engines.nautilus1.internals import exchange_method
from backtest_store.capture.guard import guarded

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine


_listeners: WeakValueDictionary[int, RunListener] = WeakValueDictionary()
_makers: list[MakeRunListener] = []


def follow(listener: RunListener) -> bool:
    """Have a listener hear of its engine's runs; False if another one does already."""
    wrap_methods()
    if listener_of(listener.engine) is not None:
        return False
    _listeners[id(listener.engine)] = listener
    return True


def leave(listener: RunListener) -> None:
    """Have a listener hear no more."""
    if listener_of(listener.engine) is listener:
        del _listeners[id(listener.engine)]


def listener_of(engine: BacktestEngine) -> RunListener | None:
    """Return who hears of an engine's runs."""
    listener = _listeners.get(id(engine))
    return listener if listener is not None and listener.engine is engine else None


def listen_to_every_engine(make: MakeRunListener) -> None:
    """Have a listener made for every engine without one, as soon as it runs."""
    wrap_methods()
    _makers.append(make)


@cache
def wrap_methods() -> None:
    """Wrap the methods of the engine's class, for good: a call costs a microsecond more."""
    from nautilus_trader.backtest.engine import BacktestEngine

    exchange_method(BacktestEngine, "run", _run(BacktestEngine.run))
    exchange_method(BacktestEngine, "end", _end(BacktestEngine.end))


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def run(engine: BacktestEngine, *args: Any, **named: Any) -> Any:
        listener = _new_listener(engine)
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


def _new_listener(engine: BacktestEngine) -> RunListener | None:
    with guarded("watch the engine"):
        for make in () if listener_of(engine) is not None else _makers:
            make(engine)
    return listener_of(engine)
