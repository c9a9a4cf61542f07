"""The boundary between us and the runner: nothing of ours gets across it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from backtest_store.log import get_logger

STANDARD_ERROR = 2
T = TypeVar("T")
U = TypeVar("U")


def fill_standard_streams() -> None:
    """Open /dev/null in the place of a standard stream that is closed.

    Else what is opened next, our socket, say, would get its number, and the engine's log.
    """
    with suppress(OSError):
        descriptor = os.open(os.devnull, os.O_RDWR)
        while descriptor <= STANDARD_ERROR:
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - the function takes it so alone
            descriptor = os.dup(descriptor)
        os.close(descriptor)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Keep every fault of ours from the runner, and say it in one line; leave chance alone.

    NautilusTrader's fill model draws from the same generator that a driver picks hosts and a retry
    its waiting time with.
    """
    chance = random.getstate() if _is_alone() else None
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the boundary: nothing of ours disturbs a backtest
        get_logger().warning(f"could not {what}: {type(error).__name__}: {error}")
    finally:
        if chance is not None:
            random.setstate(chance)


def _is_alone() -> bool:
    """Tell whether no backtest in another thread may draw while we are at work."""
    others = set(threading.enumerate()) - {threading.current_thread()}
    return all(thread.name.startswith("btstore") for thread in others)


def attempt(what: str, action: Callable[[], T], otherwise: U) -> T | U:
    """Do one part of a capture; if it fails, the rest is worth having all the same."""
    result: T | U = otherwise
    with guarded(what):
        result = action()
    return result  # noqa: RET504 - mypy takes a return inside for one that always happens
