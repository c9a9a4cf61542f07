"""What happens to a run that is to be saved: into the database, else the spool, else memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from backtest_store import queries
from backtest_store.database.failures import Failure, meaning
from backtest_store.errors import UnreachableError
from backtest_store.saving.leftovers import Leftovers
from backtest_store.saving.pool import StorePool
from backtest_store.saving.unsaved import Unsaved, put_by

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from backtest_store.database.settings import Settings

PATIENCE = 5.0  # seconds that a save gives the database, in all
LITTLE_PATIENCE = 1.0  # seconds, and one attempt, for a database that was away just now
AWAY_FOR = 30.0  # seconds that this "just now" lasts


class Saver:
    """Saves the runs of one process; everything happens in the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool: StorePool | None = None
        self._leftovers = Leftovers(self._pool_of)
        self._hurry = self._loop.create_future()
        self._saves: set[asyncio.Task[bool]] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        self._trouble: BaseException | None = None
        self._away_until = 0.0

    async def save(self, run: Unsaved) -> bool:
        """Save a run, and say whether the database has it; else it waits in the spool."""
        saving = cast("asyncio.Task[bool]", asyncio.current_task())
        self._saves.add(saving)
        saving.add_done_callback(self._saves.discard)
        failure = await self._deliver(run)
        if failure is None:
            run.entry.close()
            self._away_until = 0.0
            self._leftovers.look_soon(run.settings)
        else:
            self._put_by(run, failure)
        return failure is None

    def hurry(self) -> None:
        """Let those who wait for the database turn to the spool at once."""
        self._hurry.set_result(None)
        self._hurry = self._loop.create_future()

    async def finish(self) -> None:
        """Bring everything to an end: the process exits."""
        self.hurry()
        if self._saves:
            await asyncio.wait(set(self._saves), timeout=PATIENCE)
        await self._leftovers.finish()
        if self._pool is not None:
            self._pool.close()

    async def _deliver(self, run: Unsaved) -> BaseException | None:
        """Insert a run; return why that failed, if it did, once patience is at its end."""
        is_away = self._loop.time() < self._away_until
        inserting = asyncio.create_task(self._insert(run, once=is_away))
        await asyncio.wait(
            {inserting, self._hurry},
            timeout=LITTLE_PATIENCE if is_away else PATIENCE,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if inserting.done():
            return inserting.exception()
        self._abandon(inserting)
        return self._trouble or UnreachableError("the database does not answer in time")

    async def _insert(self, run: Unsaved, *, once: bool) -> None:
        self._trouble = None
        try:
            await self._attempt(run)
        except Exception as error:
            if once or meaning(error) is not Failure.PASSING:
                raise
            self._trouble = error
            await self._persist(run)

    async def _persist(self, run: Unsaved) -> None:
        """Try again and again, at random moments, so that many processes do not in step."""
        from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: meaning(error) is Failure.PASSING),
            wait=wait_random_exponential(multiplier=0.05, max=1),
            before_sleep=self._note_trouble,
            reraise=True,
        )
        await retrying(self._attempt, run)

    async def _attempt(self, run: Unsaved) -> None:
        await queries.insert_run(self._pool_of(run.settings), record=run.record)

    def _note_trouble(self, state: RetryCallState) -> None:
        self._trouble = state.outcome.exception() if state.outcome else None

    def _pool_of(self, settings: Settings) -> StorePool:
        if self._pool is None or self._pool.settings != settings:
            if self._pool is not None:
                self._pool.close()
            self._pool = StorePool(settings)
        return self._pool

    def _abandon(self, task: asyncio.Task[None]) -> None:
        """Cancel a task without waiting: telling the server so may take as long again."""
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _put_by(self, run: Unsaved, failure: BaseException) -> None:
        """Keep a run that the database did not take."""
        is_news = self._away_until == 0.0
        if meaning(failure) is not Failure.REJECTED:
            self._away_until = self._loop.time() + AWAY_FOR
        try:
            put_by(run, failure, is_news=is_news)
        except Exception as error:  # noqa: BLE001 - the disk is full, the folder another user's …
            self._leftovers.remember(run, f"{failure}; and the spool: {error}")
