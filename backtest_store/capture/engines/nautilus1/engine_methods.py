"""Hear how each run of an engine ends, from the two methods that begin and end one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from backtest_store.capture.engines.interface import Follower, MakeFollower
from backtest_store.capture.engines.nautilus1.internals import exchange_method
from backtest_store.capture.guard import guarded
from backtest_store.capture.outcome import leave_no_trace

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine


_followers: WeakValueDictionary[int, Follower] = WeakValueDictionary()
_makers: list[MakeFollower] = []


def follow(follower: Follower) -> bool:
    """Have a follower hear of its engine's runs; False if another one does already."""
    wrap_methods()
    if follower_of(follower.engine) is not None:
        return False
    _followers[id(follower.engine)] = follower
    return True


def leave(follower: Follower) -> None:
    """Have a follower hear no more."""
    if follower_of(follower.engine) is follower:
        del _followers[id(follower.engine)]


def follower_of(engine: BacktestEngine) -> Follower | None:
    """Return who hears of an engine's runs."""
    follower = _followers.get(id(engine))
    return follower if follower is not None and follower.engine is engine else None


def follow_everything(make: MakeFollower) -> None:
    """Have a follower made for every engine without one, as soon as it runs."""
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
        follower = _made_follower(engine)
        runs = 0 if follower is None else follower.runs
        if follower is not None:
            follower.called()
        try:
            return original(engine, *args, **named)
        except BaseException as error:
            leave_no_trace(error)
            if follower is not None:
                with as_seen_from(sys._getframe(1), error):  # noqa: SLF001 - the public way to it
                    follower.raised(error, runs)
            raise

    return run


@contextmanager
def as_seen_from(frame: FrameType, error: BaseException) -> Iterator[None]:
    """Let a traceback begin where the run was called, as it will when the exception gets there."""
    trace = error.__traceback__
    error.__traceback__ = TracebackType(trace, frame, frame.f_lasti, frame.f_lineno)
    try:
        yield
    finally:
        error.__traceback__ = trace


def _end(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def end(engine: BacktestEngine) -> Any:
        try:
            result = original(engine)
        except BaseException as error:
            leave_no_trace(error)
            raise
        follower = follower_of(engine)
        if follower is not None:
            follower.ended()
        return result

    return end


def _made_follower(engine: BacktestEngine) -> Follower | None:
    with guarded("watch the engine"):
        for make in () if follower_of(engine) is not None else _makers:
            make(engine)
    return follower_of(engine)
