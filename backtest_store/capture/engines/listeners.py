"""Who hears of which engine's runs: at most one recorder of each engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from backtest_store.capture.error_boundary import guarded

if TYPE_CHECKING:
    from backtest_store.capture.engine_recorder import EngineRecorder

_listeners: WeakValueDictionary[int, EngineRecorder] = WeakValueDictionary()
_makers: list[Callable[[Any], object]] = []


def follow(listener: EngineRecorder) -> bool:
    """Have a recorder hear of its engine's runs; False if another one does already."""
    if listener_of(listener.engine) is not None:
        return False
    _listeners[id(listener.engine)] = listener
    return True


def leave(listener: EngineRecorder) -> None:
    """Have a recorder hear no more."""
    if listener_of(listener.engine) is listener:
        del _listeners[id(listener.engine)]


def listener_of(engine: Any) -> EngineRecorder | None:
    """Return who hears of an engine's runs."""
    listener = _listeners.get(id(engine))
    return listener if listener is not None and listener.engine is engine else None


def listen_to_every_engine(make: Callable[[Any], object]) -> None:
    """Have a recorder made for every engine without one, as soon as it runs."""
    if make not in _makers:
        _makers.append(make)


def listener_of_run(engine: Any) -> EngineRecorder | None:
    """Return who hears of the run that an engine is about to begin, made now if need be."""
    with guarded("watch the engine"):
        for make in () if listener_of(engine) is not None else _makers:
            make(engine)
    return listener_of(engine)
