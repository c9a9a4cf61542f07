"""Where faults are brought about: servers, homes, writers, and the count of what survives."""

import asyncio
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock
from uuid import UUID

import psycopg

from backtest_store.errors import UnreachableError
from backtest_store.saving import background_saver, save
from backtest_store.store.settings import Settings
from tests.disks import quick_disk
from tests.faults import writer
from tests.faults.servers import Server
from tests.waiting import wait_until

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.faults.writer", "backtest_store.saving.background_saver"])
FOREVER = -1
LITTLE_PATIENCE = 0.5  # seconds
A_LONG_TIME = 60.0  # seconds


class NotRunError(Exception):
    """A fault cannot be brought about here, and why."""


@dataclass(frozen=True)
class Result:
    """What became of the runs of one fault."""

    rounds: int
    attempted: int
    acknowledged: int
    found: int
    duplicated: int
    lost: int


class Trial:
    """One store, one home, and what the runs saved there were told."""

    def __init__(self, lab: "Lab", url: str) -> None:
        self._lab = lab
        self.url = url
        self.directory = Path(tempfile.mkdtemp(dir=lab.directory))
        self.home = self.directory / "home"
        self.log = self.directory / "log"
        self.log.touch()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know."""
        return {
            "BTSTORE_DATABASE_URL": self.url,
            "BTSTORE_HOME": str(self.home),
            "BTSTORE_LOG_LEVEL": "critical",
        }

    def attempt(self) -> bool:
        """Save a run from this process, and say whether it was acknowledged."""
        with environment(self.environment):
            return writer.attempt(self.log)

    def attempt_in_vain(self) -> bool:
        """Do as `attempt` does, where the store will not take the run however long it is given."""
        with mock.patch.object(background_saver, "PATIENCE", self._lab.patience):
            return self.attempt()

    def attempt_with_time(self) -> bool:
        """Do as `attempt` does, however slow the machine is: its limits only guard a hang."""
        with (
            mock.patch.object(background_saver, "PATIENCE", A_LONG_TIME),
            mock.patch.object(save, "LONGEST_SAVE", A_LONG_TIME + 1),
        ):
            return self.attempt()

    def attempt_until_saved(self) -> None:
        """Save runs until one is acknowledged: a busy machine may be slower than a save waits."""
        wait_until(self.attempt)

    def start(self, runs: int = FOREVER, pause: float = 0.0) -> BaseProcess:
        """Start a process that saves so many runs."""
        arguments = (self.log, self.environment, runs, pause)
        process = CONTEXT.Process(target=writer.write, args=arguments)
        process.start()
        return process

    @contextmanager
    def writing(self, processes: int, pause: float) -> Iterator[None]:
        """Keep processes saving meanwhile."""
        started = [self.start(pause=pause) for _ in range(processes)]
        self.wait_for("started", processes)
        try:
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.join()

    def told(self, *events: str) -> set[UUID]:
        """Return the runs of which one of the events was noted."""
        lines = [line.split(" ") for line in self.log.read_text().splitlines()]
        return {UUID(run_id) for event, run_id in lines if event in events}

    def wait_for(self, event: str, runs: int) -> None:
        """Wait until so many runs have met an event."""
        wait_until(lambda: len(self.told(event)) >= runs)

    def sync(self, url: str | None = None) -> None:
        """Save what waits, as `btstore sync --to` does."""
        store = Settings(database_url=url or self.url, home=self.home)
        wait_until(lambda: _sync(store))

    def stored(self, url: str | None = None) -> dict[UUID, str]:
        """Return the stored runs with their status; a success counts with its metrics alone."""
        query = (
            "SELECT r.run_id, r.status FROM backtest_runs AS r"
            " LEFT JOIN performance_metrics AS m USING (run_id)"
            " WHERE (r.status = 'success') = (m.run_id IS NOT NULL)"
        )
        with _connected(url or self.url) as connection:
            return dict(connection.execute(query.encode()).fetchall())

    def marks(self, url: str | None = None) -> list[str]:
        """Return what marks every stored run: one that is there twice was stored twice."""
        query = b"SELECT data_source FROM backtest_runs"
        with _connected(url or self.url) as connection:
            return [mark for (mark,) in connection.execute(query)]

    def command(self) -> list[str]:
        """Return the command line of a process that saves until it is killed."""
        return [sys.executable, "-m", "tests.faults.writer", str(self.log)]

    def result(self, rounds: int, url: str | None = None) -> Result:
        """Sync, and count."""
        self.sync(url)
        attempted = self.told("started")
        acknowledged = self.told("saved")
        found, marks = self.stored(url), self.marks(url)
        unkept = (attempted - found.keys()) | {
            run_id for run_id in acknowledged if found.get(run_id) != "success"
        }
        return Result(
            rounds=rounds,
            attempted=len(attempted),
            acknowledged=len(acknowledged),
            found=len(attempted & found.keys()),
            duplicated=len(marks) - len(set(marks)),
            lost=len(unkept),
        )


class Lab:
    """Makes trials and servers, and clears away.

    Parameters
    ----------
    patience : float
        Seconds that a save of this process gives a store that will not take the run, as 5 are
        long for a test.
    """

    def __init__(self, patience: float = background_saver.PATIENCE) -> None:
        self.patience = patience
        self.directory = Path(tempfile.mkdtemp(prefix="btstore-", dir=quick_disk()))
        self._afterwards = ExitStack()
        self._servers = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._afterwards.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @cached_property
    def original(self) -> Server:
        """The server that others are copied from; it does not run."""
        return Server(self.directory / "original").create()

    @cached_property
    def common(self) -> Server:
        """The server for whatever leaves servers well."""
        return self.server()

    @cached_property
    def _common_standby(self) -> Server:
        return self.standby(self.common)

    def standby_with(self, database: str) -> Server:
        """Return the common server's standby, which is to stay one, once it has a database."""
        wait_until(lambda: self._common_standby.answers(database))
        return self._common_standby

    def place(self) -> Path:
        """Return a directory for a server that does not exist yet."""
        self._servers += 1
        return self.directory / f"s{self._servers}"

    def server(self, **settings: str) -> Server:
        """Start a server of a fault's own."""
        server = Server(self.place(), **settings)
        self._afterwards.callback(server.remove)
        return server.copy(self.original).start()

    def standby(self, primary: Server, **settings: str) -> Server:
        """Start a streaming standby."""
        server = Server(self.place(), **settings)
        self._afterwards.callback(server.remove)
        return server.clone(primary).start()

    def trial(self, server: Server | None = None) -> Trial:
        """Make a store and a home."""
        return Trial(self, (server or self.common).store())

    def afterwards(self, callback: Callable[[], object]) -> None:
        """Have something cleared away in the end."""
        self._afterwards.callback(callback)


def _connected(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Connect, once the server is over what was done to it: it may be recovering still."""
    found: list[psycopg.Connection[tuple[Any, ...]]] = []

    def connects() -> bool:
        with suppress(psycopg.OperationalError):
            found.append(psycopg.connect(url))
        return bool(found)

    wait_until(connects)
    return found[0]


def _sync(store: Settings) -> bool:
    """Sync, and say whether nothing is left; a server may still be recovering."""
    try:
        counts = asyncio.run(save.save_waiting(store, of_any_store=True))
    except UnreachableError:
        return False
    if counts.rejected or counts.set_aside:
        raise AssertionError(counts)
    return not counts.left


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
