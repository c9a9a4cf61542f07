"""What a process still has to save: the spool's runs, and those even the spool did not take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from backtest_store.errors import UnreachableError
from backtest_store.log import get_logger
from backtest_store.saving import journal, spool
from backtest_store.saving.unsaved import Unsaved, put_by
from backtest_store.store import queries

if TYPE_CHECKING:
    from backtest_store.store.settings import Settings
    from backtest_store.store.sql import Db

PAUSE = 0.05  # seconds that a save is given to get back to its caller first
PARTING = 1.0  # seconds that the exit of the process waits for what the spool holds
LARGEST_MEMORY = 64 * 2**20  # characters


class Leftovers:
    """Saves in the background, once the database is known to be well, what had to wait.

    Parameters
    ----------
    db_of : Callable[[Settings], Db]
        Gives the pool of a store.
    """

    def __init__(self, db_of: Callable[[Settings], Db]) -> None:
        self._db_of = db_of
        self._in_memory: list[Unsaved] = []
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._due: Settings | None = None
        self._has_collected = False

    def look_soon(self, settings: Settings) -> None:
        """Look for what had to wait, but not at the expense of the save that calls."""
        if self._due is None:
            self._due = settings
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._look)

    def remember(self, run: Unsaved, reason: str) -> None:
        """Keep a run in memory until the database or the spool can take it."""
        size = sum(len(kept.record) for kept in self._in_memory) + len(run.record)
        if size > LARGEST_MEMORY:
            get_logger().error(f"a run is lost: {reason}", run=run.run_id)
            return
        self._in_memory.append(run)
        get_logger().error(
            f"run {run.run_id} was neither saved nor spooled; held in memory until exit: {reason}"
        )

    async def finish(self) -> None:
        """Save what can be saved while the process exits."""
        if self._timer is not None:
            self._timer.cancel()
            self._look()
        if self._saving is not None:
            await asyncio.wait({self._saving}, timeout=PARTING)
        for run in self._in_memory:
            try:
                put_by(run, UnreachableError("the process exits"))
            except Exception as error:  # noqa: BLE001 - there is nowhere left to put it
                get_logger().error(f"a run is lost: {error}", run=run.run_id)

    def _look(self) -> None:
        settings, self._due = self._due, None
        self._timer = None
        if settings is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._save(settings))

    async def _save(self, settings: Settings) -> None:
        db = self._db_of(settings)
        try:
            await self._save_memory(db)
            if not self._has_collected:
                self._has_collected = True
                journal.collect(settings.home)
            await spool.sync(db, settings.home)
        except Exception as error:  # noqa: BLE001 - what is left stays where it is
            get_logger().info(f"not all that waits could be saved: {error}")

    async def _save_memory(self, db: Db) -> None:
        while self._in_memory:
            run = self._in_memory[0]
            await queries.insert_run(db, record=run.record)
            self._in_memory.remove(run)
            run.entry.close()
