"""Exceptions that leave a strategy's callback: the engine catches them, and tells its log alone.

Python itself tells of a frame that an exception leaves. A frame that the engine has called has for
its caller the frame that called the engine, as Rust has none of its own. Where that is a callback
itself, which publishes what another one hears, the exception has been caught if the caller does not
get to see it. It costs nothing as long as nothing raises, and neither the strategies nor the
traceback get to see it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any
from weakref import WeakSet

from backtest_store.capture.end_status import Outcome, outcome_of
from backtest_store.capture.engines.interface import is_a

TOOLS = (3, 4)  # 0, 1, 2 and 5 belong to debuggers, coverage, profilers and optimisers
NAME = "backtest-store"

COMPONENTS = ("DataActor", "Strategy", "ExecutionAlgorithm")

_handlers: WeakSet[CodeType] = WeakSet()
_errors: dict[str, Outcome] = {}
_frames: dict[int, str] = {}
_passed_on: list[tuple[BaseException, str, Outcome]] = []  # to callers that are callbacks


@contextmanager
def watched(key: str, frame: FrameType) -> Iterator[None]:
    """Note the first exception that leaves what is called from a frame, under a key."""
    tool = _take_tool()
    _frames[id(frame)] = key
    try:
        yield
    finally:
        _note_what_was_caught()
        del _frames[id(frame)]
        if tool is not None and not _frames:
            _monitoring().set_events(tool, 0)


def error_of(key: str) -> Outcome | None:
    """Return how the first exception of a run would end it, had it not been caught."""
    return _errors.get(key)


def forget(key: str) -> None:
    """Forget the exception of the run before."""
    _errors.pop(key, None)


def can_watch() -> bool:
    """Tell whether exceptions can be seen, or all that could be used for it is taken."""
    return _take_tool() is not None


def _take_tool() -> int | None:
    monitoring = _monitoring()
    if monitoring is None:
        return None
    for tool in TOOLS:
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, NAME)
        if monitoring.get_tool(tool) == NAME:
            events = monitoring.events
            monitoring.register_callback(tool, events.PY_UNWIND, _on_unwind)
            monitoring.register_callback(tool, events.RAISE, _reached)
            monitoring.set_events(tool, events.PY_UNWIND | events.RAISE)
            return tool
    return None


def _monitoring() -> Any:
    """Return what Python tells tools by, which it has from 3.12 on."""
    return getattr(sys, "monitoring", None)


def _on_unwind(_: CodeType, __: int, error: BaseException) -> None:
    """Hear that an exception leaves a frame."""
    frame = sys._getframe(1)  # noqa: SLF001 - the public way to it
    key = _frames.get(id(frame.f_back))
    _note_what_was_caught()
    if key is not None:
        _errors.setdefault(key, outcome_of(error))
    elif _is_callback(frame) and (key := _run_of(frame)) is not None:
        _passed_on.append((error, key, outcome_of(error)))


def _reached(_: CodeType, __: int, error: BaseException) -> None:
    """Hear that an exception is raised in a frame, or comes there from one that it called."""
    _passed_on[:] = [passed for passed in _passed_on if passed[0] is not error]


def _note_what_was_caught() -> None:
    for _, key, outcome in _passed_on:
        _errors.setdefault(key, outcome)
    _passed_on.clear()


def _is_callback(frame: FrameType) -> bool:
    """Tell whether the engine itself calls what a frame is of, and not a function of the user's."""
    if frame.f_code in _handlers:
        return True
    first = frame.f_locals.get(next(iter(frame.f_code.co_varnames), ""))
    component = first[0] if isinstance(first, tuple) and first else first
    if not any(is_a(component, kind) for kind in COMPONENTS):
        return False
    kind: Any = type(component)
    return frame.f_code.co_name.startswith("on_") or frame.f_code in _callbacks_of(kind)


@lru_cache(64)  # asked at each exception that leaves a method of a component
def _callbacks_of(kind: type) -> frozenset[CodeType | None]:
    """Return the code of the callbacks of a class, which a decorator may have named otherwise."""
    return frozenset(code_of(getattr(kind, name)) for name in dir(kind) if name.startswith("on_"))


def code_of(handler: Any) -> CodeType | None:
    """Return the code that runs first if something is called."""
    function = handler.func if isinstance(handler, partial) else handler
    if not isinstance(function, FunctionType | MethodType):
        function = type(function).__call__
    return getattr(function, "__code__", None)


def note_handler(handler: Any) -> None:
    """Note what the engine calls for messages of a topic."""
    code = code_of(handler)
    if code is not None:
        _handlers.add(code)


def _run_of(frame: FrameType) -> str | None:
    """Return the run that a frame is of, if it is of one."""
    above: FrameType | None = frame
    while above is not None and id(above) not in _frames:
        above = above.f_back
    return _frames.get(id(above))
