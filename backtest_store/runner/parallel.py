"""Do the same work on many items, here or in worker processes."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, resource_tracker
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")

GRACE = 5.0  # seconds in which an interrupted worker may save what it was at


@dataclass(frozen=True)
class WorkerDied:
    """The process that worked on an item died of this."""

    reason: str


class Workers(ABC):
    """What does work: this process, others on this machine, or a cluster."""

    @abstractmethod
    def each(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDied]]:
        """Yield the place of each item and what became of it, in the order in which they end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027 - there may be nothing to stop
        """Stop, whatever is under way."""


class ThisProcess(Workers):
    """Works on one item after another in this process."""

    def each(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDied]]:
        """Yield the place of each item and what became of it."""
        for number, item in enumerate(items):
            yield number, work(item)


class WorkerProcesses(Workers):
    """Works on items in several fresh processes of this machine.

    Each is spawned, not forked: NautilusTrader has threads as soon as it is imported. A worker
    that dies is replaced, and the item that it was at is reported, not tried again: it may well be
    what killed the worker.

    Of `concurrent.futures` a dead worker takes the whole pool with it, of `pebble` one that dies
    idle does.
    """

    def __init__(self, jobs: int, warm_up: Callable[[], object] | None = None) -> None:
        self._jobs = jobs
        self._warm_up = warm_up
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        resource_tracker.ensure_running()  # it would unblock the signals that a worker starts with
        self._fill()
        return self

    def __exit__(self, *_: object) -> None:
        """End the idle, interrupt the busy, which save what they are at; kill who does not obey."""
        try:
            for worker in self._workers:
                worker.stop()
            deadline = monotonic() + GRACE
            for worker in self._workers:
                worker.process.join(max(0.0, deadline - monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.process.join()
            self._workers.clear()

    def each(
        self, work: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[int, Result | WorkerDied]]:
        """Yield the place of each item and what became of it, in the order in which they end."""
        waiting = iter(enumerate(items))
        self._occupy(work, waiting)
        while any(worker.number is not None for worker in self._workers):
            busy = {w.pipe: w for w in self._workers if w.number is not None}
            for pipe in connection.wait([*busy]):
                worker = busy[pipe]  # type: ignore[index]
                number, result = worker.receive()
                if isinstance(result, WorkerDied):
                    self._workers.remove(worker)
                self._occupy(work, waiting)  # first: whoever is told may take their time
                yield number, result

    def _occupy(self, work: Callable[[Any], Any], waiting: Iterator[tuple[int, Any]]) -> None:
        """Give all who are idle an item; it is asked for no sooner, and may depend on results."""
        self._fill()
        while idle := next((w for w in self._workers if w.number is None), None):
            number, item = next(waiting, (None, None))
            if number is None:
                return
            while not idle.send(number, work, item):
                self._workers.remove(idle)
                self._fill()
                idle = self._workers[-1]

    def _fill(self) -> None:
        while len(self._workers) < self._jobs:
            self._workers.append(_Worker(self._warm_up))


class _Worker:
    """One process, and the number of the item that it works on."""

    def __init__(self, warm_up: Callable[[], object] | None) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, warm_up))
        self.number: int | None = None
        # Until it has a handler of its own, Ctrl-C would end it in a traceback.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()

    def send(self, number: int, work: Callable[[Any], Any], item: object) -> bool:
        """Give it an item; say whether it still lives to take it."""
        try:
            self.pipe.send((work, item))
        except OSError:
            self.process.join()
            return False
        self.number = number
        return True

    def receive(self) -> tuple[int, Any]:
        """Return the number of its item, and the result or how it died."""
        number, self.number = self.number or 0, None
        try:
            return number, self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return number, WorkerDied(_ending(self.process.exitcode))

    def stop(self) -> None:
        """Let it end by itself if it is idle; interrupt it if it is not."""
        self.pipe.close()
        if self.number is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGINT)


def _serve(pipe: Connection, warm_up: Callable[[], object] | None) -> None:
    """Work for the parent until it closes the pipe, dies, or is interrupted."""
    signal.signal(signal.SIGINT, _interrupt_once)
    atexit.register(_leave)  # first, so that it is the last to be called
    with _staying_if_it_raises(), suppress(EOFError, OSError, KeyboardInterrupt):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        if warm_up is not None:
            warm_up()
        while True:
            work, item = pipe.recv()
            pipe.send(work(item))


def _leave() -> None:
    """Spare the parent the wait while Python takes the engine apart, piece by piece."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def _staying_if_it_raises() -> Iterator[None]:
    """Let an exception decide about the exit code."""
    try:
        yield
    except BaseException:
        atexit.unregister(_leave)
        raise


def _interrupt_once(*_: object) -> None:
    """Raise KeyboardInterrupt, and let nothing disturb the saving that it brings about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"
