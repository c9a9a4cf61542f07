"""What happens to a run that is to be saved: into the database, else the spool, else memory."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from backtest_store.errors import UnreachableError
from backtest_store.log import get_logger
from backtest_store.runs import duplicates
from backtest_store.saving.leftovers import Leftovers
from backtest_store.saving.pool import StorePool
from backtest_store.saving.unsaved import Pending, Unsaved, put_by
from backtest_store.store import queries
from backtest_store.store.failures import Failure, meaning

if TYPE_CHECKING:
    from uuid import UUID

    from tenacity import RetryCallState

    from backtest_store.models import Record
    from backtest_store.store.settings import Settings

PATIENCE = 5.0  # seconds that a save gives the database, in all
LONGEST_WAIT = 0.5  # seconds between two attempts
LITTLE_PATIENCE = 1.0  # seconds, and one attempt, for a database that was away just now
AWAY_FOR = 30.0  # seconds that this "just now" lasts


@dataclass(eq=False)
class Delivery:
    """A run under way to the database, until it is there or time is up."""

    run: Unsaved
    pending: Pending
    inserting: asyncio.Task[None]
    deadline: asyncio.TimerHandle | None = None


class Saver:
    """Saves the runs of one process; everything happens in the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool: StorePool | None = None
        self._leftovers = Leftovers(self._pool_of)
        self._under_way: set[Delivery] = set()
        self._hurried: set[UUID] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        self._looks: set[asyncio.Task[None]] = set()
        self._trouble: BaseException | None = None
        self._away_until = 0.0

    def save(self, run: Unsaved, pending: Pending) -> None:
        """Start to save a run; whoever waits is told whether the database has it."""
        self._pool_of(run.settings)
        is_away = self._loop.time() < self._away_until
        patience = LITTLE_PATIENCE if is_away else PATIENCE
        if run.run_id in self._hurried:
            patience = 0.0
        inserting = self._loop.create_task(self._insert(run, once=is_away))
        delivery = Delivery(run, pending, inserting)
        delivery.deadline = self._loop.call_later(patience, self._give_up, delivery)
        self._under_way.add(delivery)
        inserting.add_done_callback(lambda _: self._inserted(delivery))

    def hurry(self, run_id: UUID) -> None:
        """Let a run that waits for the database, or is about to, turn to the spool at once."""
        self._hurried.add(run_id)
        for delivery in list(self._under_way):
            if delivery.run.run_id == run_id:
                self._give_up(delivery)

    async def warn_if_repeated(self, record: Record, settings: Settings) -> None:
        """Say so if a stored run is identical to one just saved."""
        if self._away_until:
            return
        looking = cast("asyncio.Task[None]", asyncio.current_task())
        self._looks.add(looking)
        looking.add_done_callback(self._looks.discard)
        with suppress(Exception):  # it is a courtesy
            found = await duplicates.identical_to(self._pool_of(settings), record)
            if found is not None:
                get_logger().warning(duplicates.repetition(record, found))

    async def prepare(self, settings: Settings) -> None:
        """Open a store, so that the first save finds it open."""
        await queries.applied_migrations(self._pool_of(settings))

    async def finish(self) -> None:
        """Bring everything to an end: the process exits."""
        for delivery in list(self._under_way):
            self._give_up(delivery)
        if self._looks:
            await asyncio.wait(set(self._looks), timeout=LITTLE_PATIENCE)
        await self._leftovers.finish()
        if self._pool is not None:
            self._pool.close()

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
            wait=wait_random_exponential(multiplier=0.05, max=LONGEST_WAIT),
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
            self._away_until = 0.0
        return self._pool

    def _inserted(self, delivery: Delivery) -> None:
        done = delivery.inserting
        failure = asyncio.CancelledError() if done.cancelled() else done.exception()
        if delivery in self._under_way:
            self._settle(delivery, failure)

    def _give_up(self, delivery: Delivery) -> None:
        """Wait no longer for the database, nor until it knows: telling it may take as long."""
        delivery.inserting.cancel()
        self._abandoned.add(delivery.inserting)
        delivery.inserting.add_done_callback(self._abandoned.discard)
        in_vain = UnreachableError("the database does not answer in time")
        self._settle(delivery, self._trouble or in_vain)

    def _settle(self, delivery: Delivery, failure: BaseException | None) -> None:
        """Keep a run that the database did not take, and tell whoever waits."""
        self._under_way.discard(delivery)
        self._hurried.discard(delivery.run.run_id)
        if delivery.deadline is not None:
            delivery.deadline.cancel()
        if failure is None:
            delivery.run.entry.close()
            self._away_until = 0.0
            self._leftovers.look_soon(delivery.run.settings)
        else:
            self._put_by(delivery.run, failure)
        delivery.pending.settle(is_saved=failure is None)

    def _put_by(self, run: Unsaved, failure: BaseException) -> None:
        is_news = self._away_until == 0.0
        if meaning(failure) is not Failure.REJECTED:
            self._away_until = self._loop.time() + AWAY_FOR
        try:
            put_by(run, failure, is_news=is_news)
        except Exception as error:  # noqa: BLE001 - the disk is full, the folder another user's …
            self._leftovers.remember(run, f"{failure}; and the spool: {error}")
