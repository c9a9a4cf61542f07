"""Exceptions that leave a strategy's callback: the engine catches them, and tells its log alone.

Python itself tells of a frame that an exception leaves. A frame that the engine has called has for
its caller the frame that called the engine, as Rust has none of its own. It costs nothing as long
as nothing raises, and neither the strategies nor the traceback get to see it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from backtest_store.capture.details import Outcome, outcome_of

TOOLS = (3, 4)  # 0, 1, 2 and 5 belong to debuggers, coverage, profilers and optimisers
NAME = "backtest-store"

_errors: dict[str, Outcome] = {}
_frames: dict[int, str] = {}


@contextmanager
def watched(key: str, frame: FrameType) -> Iterator[None]:
    """Note the first exception that leaves what is called from a frame, under a key."""
    tool = _take_tool()
    _frames[id(frame)] = key
    try:
        yield
    finally:
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
            event = monitoring.events.PY_UNWIND
            monitoring.register_callback(tool, event, _left)
            monitoring.set_events(tool, event)
            return tool
    return None


def _monitoring() -> Any:
    """Return what Python tells tools by, which it has from 3.12 on."""
    return getattr(sys, "monitoring", None)


def _left(_: CodeType, __: int, error: BaseException) -> None:
    """Hear that an exception leaves a frame."""
    caller = sys._getframe(1).f_back  # noqa: SLF001 - the public way to it
    key = None if caller is None else _frames.get(id(caller))
    if key is not None and key not in _errors:
        _errors[key] = outcome_of(error)
