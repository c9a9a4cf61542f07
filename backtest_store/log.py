"""Our own log: structlog to standard error, apart from whatever logging the host program has."""

from __future__ import annotations

import logging
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

DEFAULT_LEVEL = "warning"
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


class StandardError:
    """Write each event as one line to what standard error is at that moment."""

    def msg(self, message: str) -> None:
        """Write one line; a closed standard error is no reason to disturb anybody."""
        try:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()
        except (AttributeError, OSError, ValueError):
            return

    debug = info = warning = warn = error = critical = fatal = failure = exception = log = msg


class SilentLogger:
    """Say that something is not logged: not what, since it may hold secrets."""

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def msg(self, _: str, **__: object) -> None:
        """Write one line that is always the same."""
        StandardError().msg(
            f"btstore: warning: cannot load the library for logging: {self._reason}"
        )

    debug = info = warning = error = msg


def get_logger() -> FilteringBoundLogger:
    """Return the logger, as BTSTORE_LOG_LEVEL and BTSTORE_LOG_FORMAT have it now."""
    level = os.environ.get("BTSTORE_LOG_LEVEL", "").strip().lower()
    form = os.environ.get("BTSTORE_LOG_FORMAT", "").strip().lower()
    try:
        return _logger(level if level in LEVELS else DEFAULT_LEVEL, as_json=form == "json")
    except (ImportError, OSError) as error:  # a process without descriptors loads nothing more
        return cast("FilteringBoundLogger", SilentLogger(error))


@cache
def _logger(level: str, *, as_json: bool) -> FilteringBoundLogger:
    import structlog

    # wrap_logger and never configure: the host program's structlog and logging stay its own.
    logger: FilteringBoundLogger = structlog.wrap_logger(
        StandardError(),
        processors=_processors(as_json=as_json),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=False,
    )
    return logger


def _processors(*, as_json: bool) -> list[Processor]:
    import structlog

    import backtest_store.redaction  # noqa: F401 - while the process has a descriptor to load it

    if as_json:
        return [
            _without_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    return [_without_secrets, structlog.processors.add_log_level, _one_line]


def _without_secrets(_: WrappedLogger, __: str, event_dict: EventDict) -> EventDict:
    """Take secrets out of whatever is said: an error may quote a URL with its password."""
    from backtest_store.redaction import Redactor, environment_secrets

    redactor = Redactor(environment_secrets())
    return {name: redactor.text(str(value)) for name, value in event_dict.items()}


def _one_line(_: WrappedLogger, __: str, event_dict: EventDict) -> str:
    """Render an event as `btstore: warning: what happened (key=value)`, in one line."""
    event = event_dict.pop("event", "")
    level = event_dict.pop("level", DEFAULT_LEVEL)
    details = ", ".join(f"{key}={_printable(value)}" for key, value in event_dict.items())
    return f"btstore: {level}: {_printable(event)}" + (f" ({details})" if details else "")


def _printable(value: object) -> str:
    """Write a value without line breaks and control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in str(value))
