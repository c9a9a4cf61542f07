"""What a run came to, and why an engine ended before its data did.

NautilusTrader keeps one flag for it for the whole process, which the next engine to start takes
down. What is asked here is the engine itself, and what its own run has been through.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from backtest_store.capture.end_status import UNENDED, Outcome, outcome_of, stopped

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.messages import ShutdownSystem

# The method that handles an account's error by ending the run; its frame is in the traceback then.
HANDLER = "BacktestEngine._run"


class _Errors(threading.local):
    """The newest account error of a thread, while a run is watched in it."""

    is_watched = False
    newest: BaseException | None = None


_errors = _Errors()


@cache
def note_account_errors() -> None:
    """Note account errors from now on: the engine catches them, and tells its log alone."""
    from nautilus_trader.accounting.error import AccountError

    def noted(cls: Any, *args: Any, **_: Any) -> BaseException:
        error: BaseException = Exception.__new__(cls, *args)
        if _errors.is_watched:
            _errors.newest = error
        return error

    kind: Any = AccountError
    kind.__new__ = noted


def watch() -> None:
    """Begin to keep this thread's account errors: a run begins."""
    _errors.is_watched, _errors.newest = True, None


def account_error() -> tuple[str, str] | None:
    """Return the account error that ended this thread's run, its class and its text; keep none."""
    error, _errors.newest = _errors.newest, None
    _errors.is_watched = False
    if error is None or error.__traceback__ is None:
        return None
    handler = error.__traceback__.tb_frame.f_code.co_name
    return described(error) if handler.endswith(HANDLER) else None


def described(error: BaseException) -> tuple[str, str]:
    """Return the class and the text of an error."""
    return type(error).__qualname__, str(error)


def is_flagged() -> bool:
    """Tell whether NautilusTrader's flag is up that stops whatever engine is running."""
    from nautilus_trader.common.component import is_backtest_force_stop

    return bool(is_backtest_force_stop())


@dataclass
class StopSignals:
    """What was seen of a run that was watched."""

    shutdown: ShutdownSystem | None = None
    account_error: tuple[str, str] | None = None
    is_flagged: bool = False


def _ended(engine: BacktestEngine, seen: StopSignals | None) -> Outcome:
    """Return what a run came to whose end was reached; by its state alone if nobody watched."""
    time = _clock(engine)
    if seen is not None and seen.account_error is not None:
        kind, text = seen.account_error
        return stopped(kind, time, f"Stopping backtest from {text}")
    if not engine.kernel.is_running():
        return _shut_down(engine, seen)
    if seen is None and engine.iteration < _reached(engine):
        return stopped("AccountError", time, "Stopping backtest from an AccountError")
    if seen is not None and seen.is_flagged and _has_data_after(engine, time):
        return stopped("ForceStop", time, "another engine of the process was stopped")
    return Outcome()


def _shut_down(engine: BacktestEngine, seen: StopSignals | None) -> Outcome:
    time = engine.kernel.ts_shutdown or _clock(engine)
    if not _has_data_after(engine, time) or (seen is not None and seen.shutdown is None):
        return Outcome()
    command = None if seen is None else seen.shutdown
    return stopped("ShutdownSystem", time, "Received ShutdownSystem" + _words(command))


def _words(command: ShutdownSystem | None) -> str:
    if command is None:
        return ""
    reason = "" if command.reason is None else f": {command.reason}"
    return f" from {command.component_id}{reason}"


def _clock(engine: BacktestEngine) -> int:
    end = engine.backtest_end
    return int(engine.kernel.clock.timestamp_ns() if end is None else end.value)


def _has_data_after(engine: BacktestEngine, moment: int) -> bool:
    """Tell whether data was left; of a stream, whose chunks are gone, nobody knows better."""
    data = engine.data
    return not data or data[-1].ts_init > moment


def _reached(engine: BacktestEngine) -> int:
    """Return how many elements of its data an engine's clock has reached."""
    data, start = engine.data, engine.backtest_start
    first = 0 if start is None else bisect_left(data, start.value, key=attrgetter("ts_init"))
    return bisect_right(data, _clock(engine), key=attrgetter("ts_init")) - first


def outcome_of_run(
    engine: BacktestEngine,
    error: BaseException | None,
    seen: StopSignals | None,
    *,
    has_begun: bool,
) -> Outcome:
    """Return what a run came to, from the error that ended it or kept it from beginning, if any."""
    from nautilus_trader.accounting.error import AccountError

    if error is None:
        return UNENDED if is_under_way(engine) else _ended(engine, seen)
    if has_begun and seen is not None and isinstance(error, AccountError):
        # Of a stream the engine raises what stops a run, after it has said so.
        seen.account_error = described(error)
        return _ended(engine, seen)
    return outcome_of(error)


def is_under_way(engine: BacktestEngine) -> bool:
    """Tell whether an engine has begun a run, and not come to its end."""
    is_over = engine.run_finished is not None and not engine.trader.is_running
    return not is_over and engine.run_id is not None
