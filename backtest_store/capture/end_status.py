"""How a run ended: its status, and the error that ended it without the frames of this package."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType

from backtest_store.capture.accounting.days import isoformat
from backtest_store.capture.identity.json_values import clean
from backtest_store.models import Status

OURS = __name__.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended; the traceback is text, since the exception would keep the engine alive."""

    status: Status = "success"
    error_type: str | None = None
    error_message: str | None = None
    error_traceback: str | None = None
    warnings: Sequence[str] = field(default=())


UNENDED = Outcome(
    status="interrupted",
    error_message="the run did not reach its end: its exception was handled, or `engine.end()` "
    "was not called after `run(streaming=True)`",
)


def outcome_of(error: BaseException | None) -> Outcome:
    """Return how a run ended, from the exception that ended it."""
    if error is None:
        return Outcome()
    return Outcome(
        status="failed" if isinstance(error, Exception) else "interrupted",
        error_type=type(error).__qualname__,
        error_message=clean(_message(error)),
        error_traceback=clean(_traceback(error)),
    )


def stopped(kind: str, moment: int | None, reason: str) -> Outcome:
    """Return how a run ended that the engine stopped before its data ended, when and why."""
    message = clean(f"at {isoformat(moment)}: {reason}")
    return Outcome(status="stopped", error_type=kind, error_message=message)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a stranger's exception may fail to describe itself
        return f"<{type(error).__qualname__} without a message>"


def _traceback(error: BaseException) -> str:
    try:
        return "".join(
            traceback.format_exception(type(error), error, without_own_frames(error.__traceback__))
        )
    except Exception:  # noqa: BLE001 - likewise
        return "".join(traceback.format_tb(error.__traceback__))


def leave_no_trace(error: BaseException) -> None:
    """Take our frames out of the head of an exception's traceback; a bare `raise` adds none again.

    Who prints the traceback then sees what they would see without us.
    """
    error.__traceback__ = without_own_frames(error.__traceback__)


@contextmanager
def as_seen_from(frame: FrameType, error: BaseException) -> Iterator[None]:
    """Let a traceback begin where the run was called, as it will when the exception gets there."""
    trace = error.__traceback__
    error.__traceback__ = TracebackType(trace, frame, frame.f_lasti, frame.f_lineno)
    try:
        yield
    finally:
        error.__traceback__ = trace


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of ours that a traceback begins with."""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != OURS:
            break
        trace = trace.tb_next
    return trace
