"""A sign of life on a terminal while a command takes longer than a second."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from backtest_store.cli.output.colours import has_colours
from backtest_store.cli.output.streams import StandardOutput, print_message

if TYPE_CHECKING:
    from threading import Event

    from asyncpg import Connection

    from backtest_store.runs.expressions.asked_filters import Filters

T = TypeVar("T")
PATIENCE_SECONDS = 1.0
FRAME_SECONDS = 0.1
FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def call(use_case: Callable[[Connection], Awaitable[T]]) -> T:
    """Await a use case on the store of the environment, with a spinner if that takes long."""
    from backtest_store.store.connecting import connection

    with spinner():
        return connection.call(use_case)


def read(use_case: Callable[[Connection], Awaitable[T]], asked: Filters | None = None) -> T:
    """Await a use case that only reads, of one moment of the store, with a spinner likewise.

    Names in filters that no run has are said first.
    """
    from backtest_store.store.connecting import connection

    if asked is not None and (asked.strategy or asked.subjects):
        from backtest_store.runs.unknown_names import saying_unknown_names

        use_case = saying_unknown_names(use_case, asked, _warn)
    with spinner():
        return connection.read(use_case)


def _warn(sentence: str) -> None:
    print_message(f"warning: {sentence}")


@contextmanager
def spinner() -> Iterator[None]:
    """Turn a spinner on standard error, if that is a terminal whose user does not mind.

    It stops for good before anything is printed: a pager may be showing it on the same terminal.
    """
    if not has_colours(sys.stderr):
        yield
        return
    from threading import Event, Thread

    done = Event()
    thread = Thread(target=_turn, args=[done], daemon=True)

    def stop() -> None:
        done.set()
        thread.join()

    thread.start()
    StandardOutput.before_writing[:] = [stop]
    try:
        yield
    finally:
        stop()


def _turn(done: Event) -> None:
    from itertools import cycle

    if done.wait(PATIENCE_SECONDS):
        return
    for frame in cycle(FRAMES):
        sys.stderr.write(f"\r{frame}")
        sys.stderr.flush()
        if done.wait(FRAME_SECONDS):
            break
    sys.stderr.write("\r \r")
    sys.stderr.flush()
