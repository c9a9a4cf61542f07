"""Save the runs of one process in a thread of its own: into the database, else the spool."""

from __future__ import annotations

import asyncio
import random
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from backtest_store.errors import UnreachableError
from backtest_store.log import get_logger
from backtest_store.runs import duplicates
from backtest_store.saving import crash_journal, durable_files
from backtest_store.saving.pool import StorePool
from backtest_store.saving.sync import sync_spool
from backtest_store.saving.unsaved_run import UnsavedRun, keep
from backtest_store.store import queries
from backtest_store.store.connecting.sqlstate_classes import Failure, meaning
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from typing import Any

    from backtest_store.models import Record

AT_ONCE = 0.2  # seconds; what is not answered by then is on disk before it is waited for
PATIENCE = 5.0  # seconds that a save gives the database, in all
LITTLE_PATIENCE = 1.0  # seconds, for a database that was away just now
AWAY_FOR = 30.0  # seconds that this "just now" lasts
FIRST_PAUSE = 0.1  # seconds between two attempts, at most
LONGEST_PAUSE = 0.5  # seconds, of later ones
BEFORE_LEFTOVERS = 0.05  # seconds that a save is given to get back to its caller first
PARTING = 1.0  # seconds that the exit of the process waits for what the spool holds
LONGEST_EXIT = 10.0  # seconds
LARGEST_MEMORY = 64 * 2**20  # characters
_chance = random.SystemRandom()  # a backtest draws from Python's own generator


class Saver:
    """The thread that saves, whatever loop or thread the runs come from.

    Raises OSError or RuntimeError if the process can have no more descriptors or threads.
    """

    def __init__(self) -> None:
        self._pool: StorePool | None = None
        self._saves: set[asyncio.Task[Any]] = set()
        self._looks: set[asyncio.Task[Any]] = set()
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._leftovers: asyncio.Task[None] | None = None
        self._in_memory: list[UnsavedRun] = []
        self._has_collected = False
        self._away_until = 0.0
        self._closing = asyncio.Event()
        # Here, so that its failure is the caller's; of a half-made loop Python prints a traceback.
        durable_files.require_descriptors()
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_debug(False)  # Python's development mode would complain of each slow disk
        self._loop.set_exception_handler(_left_behind)
        # A daemon, as the exit of the process is what stops it: `close` waits for it then.
        self._thread = threading.Thread(target=self._run, name="btstore-saving", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._loop.close()
            raise

    def is_alive(self) -> bool:
        """Say whether it takes runs."""
        return self._thread.is_alive()

    def save(self, run: UnsavedRun) -> Future[bool]:
        """Start to save a run; its result says whether the database has it."""
        return self._start(self._save(run))

    def prepare(self, settings: Settings) -> None:
        """Start to open a store for the first save, unless it is a shared one."""
        if settings.database_url is None:
            self._start(queries.applied_migrations(self._pool_of(settings)))

    def warn_if_repeated(self, record: Record, settings: Settings) -> None:
        """Start to look for a stored run that is identical to one just saved."""
        self._start(self._warn_if_repeated(record, settings))

    def close(self) -> None:
        """Finish what is under way, and end the thread."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(LONGEST_EXIT)

    def _start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # it has just ended
            work.close()
            raise

    def _run(self) -> None:
        # Not asyncio.run: to end the loop's threads it starts another, which an exiting Python
        # 3.12 refuses.
        try:
            self._loop.run_until_complete(self._until_closed())
        finally:
            self._loop.close()

    async def _until_closed(self) -> None:
        await self._closing.wait()
        await _cancelled(self._saves)
        if self._looks:
            await asyncio.wait(set(self._looks), timeout=LITTLE_PATIENCE)
        if self._leftovers is not None:
            await asyncio.wait({self._leftovers}, timeout=PARTING)
        for run in self._in_memory:
            try:
                keep(run, UnreachableError("the process exits"))
            except Exception as error:  # noqa: BLE001 - there is nowhere left to put it
                get_logger().error(f"a run is lost: {error}", run=run.run_id)
        if self._pool is not None:
            self._pool.close()
        await _cancelled(asyncio.all_tasks() - {asyncio.current_task()})

    async def _save(self, run: UnsavedRun) -> bool:
        save = cast("asyncio.Task[Any]", asyncio.current_task())
        self._saves.add(save)
        save.add_done_callback(self._saves.discard)
        self._pool_of(run.settings)  # another store than the last is not away
        is_away = self._loop.time() < self._away_until
        deadline = self._loop.time() + (LITTLE_PATIENCE if is_away else PATIENCE)
        inserting = asyncio.create_task(self._insert(run))
        try:
            await asyncio.wait({inserting}, timeout=AT_ONCE)
            failure = _failure_of(inserting)
            if failure is not None:
                with suppress(Exception):  # there is time yet, for the database and the disk
                    run.keep()
                failure = await self._insist(run, inserting, deadline, once=is_away)
        except asyncio.CancelledError:
            inserting.cancel()
            if self._closing.is_set():  # else who cancels it keeps the run
                self._keep(run, UnreachableError("the process exits"))
            raise
        return self._settle(run, failure)

    async def _insist(
        self, run: UnsavedRun, inserting: asyncio.Task[None], deadline: float, *, once: bool
    ) -> BaseException | None:
        """Give the database time; return why it does not have the run, if so.

        It is given up at the deadline, not when it knows: telling it may take as long.
        """
        troubles: list[BaseException] = []
        insisting = asyncio.create_task(self._insert_again(run, inserting, troubles, once=once))
        try:
            await asyncio.wait({insisting}, timeout=max(deadline - self._loop.time(), 0))
        finally:
            insisting.cancel()
            self._abandoned.add(insisting)
            insisting.add_done_callback(self._abandoned.discard)
        failure = _failure_of(insisting)
        return troubles[-1] if troubles and not insisting.done() else failure

    async def _insert_again(
        self,
        run: UnsavedRun,
        attempt: Awaitable[None],
        troubles: list[BaseException],
        *,
        once: bool,
    ) -> None:
        """Try again and again, at random moments, so that many processes do not in step."""
        pause = FIRST_PAUSE
        while True:
            try:
                await attempt
            except Exception as error:
                if once or meaning(error) is not Failure.PASSING:
                    raise
                troubles.append(error)
            else:
                return
            await asyncio.sleep(_chance.uniform(0, pause))
            pause = min(2 * pause, LONGEST_PAUSE)
            attempt = self._insert(run)

    async def _insert(self, run: UnsavedRun) -> None:
        await queries.insert_run(self._pool_of(run.settings), record=run.record)

    def _settle(self, run: UnsavedRun, failure: BaseException | None) -> bool:
        """Clear up after a run that the database has, or keep it; say which."""
        if failure is not None:
            self._keep(run, failure)
            return False
        self._away_until = 0.0
        run.done()
        if self._leftovers is None or self._leftovers.done():
            self._leftovers = asyncio.create_task(self._save_leftovers())
        return True

    def _keep(self, run: UnsavedRun, failure: BaseException) -> None:
        is_news = self._away_until == 0.0
        now = self._loop.time()
        if self._away_until <= now and meaning(failure) is not Failure.REJECTED:
            self._away_until = now + AWAY_FOR  # then it has its whole time again
        try:
            keep(run, failure, is_news=is_news)
        except Exception as error:  # noqa: BLE001 - the disk is full, the folder another user's …
            self._keep_in_memory(run, f"{failure}; and the spool: {error}")

    def _keep_in_memory(self, run: UnsavedRun, reason: str) -> None:
        size = sum(len(kept.record) for kept in self._in_memory) + len(run.record)
        if size > LARGEST_MEMORY:
            get_logger().error(f"a run is lost: {reason}", run=run.run_id)
            return
        self._in_memory.append(run)
        get_logger().error(
            f"run {run.run_id} was neither saved nor spooled; held in memory until exit: {reason}"
        )

    async def _save_leftovers(self) -> None:
        """Save what had to wait for the database that runs are saved to now, as it is well."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), BEFORE_LEFTOVERS)
        if self._pool is None:
            return
        db, settings = self._pool, self._pool.settings
        try:
            for run in [run for run in self._in_memory if _is_meant_for(settings, run)]:
                await queries.insert_run(db, record=run.record)
                self._in_memory.remove(run)
                run.done()
            if not self._has_collected:
                self._has_collected = True
                crash_journal.collect(settings.home)
            await sync_spool(db, settings.home, settings.store_name)
        except Exception as error:  # noqa: BLE001 - what is left stays where it is
            get_logger().info(f"not all waiting runs could be saved: {error}")

    async def _warn_if_repeated(self, record: Record, settings: Settings) -> None:
        if self._away_until or self._pool is None or self._pool.settings != settings:
            return  # the last save was into another store, whose pool stays open
        looking = cast("asyncio.Task[Any]", asyncio.current_task())
        self._looks.add(looking)
        looking.add_done_callback(self._looks.discard)
        with suppress(Exception):  # it is a courtesy
            found = await duplicates.find_identical(self._pool, record)
            if found is not None:
                get_logger().warning(duplicates.describe_duplicate(record, found))

    def _pool_of(self, settings: Settings) -> StorePool:
        if self._pool is None or self._pool.settings != settings:
            if self._pool is not None:
                self._pool.close()
            self._pool = StorePool(settings)
            self._away_until = 0.0
        return self._pool


def _left_behind(_: object, context: dict[str, Any]) -> None:
    """Print no traceback of a connection that the driver could not even close: nobody asked."""
    get_logger().info(f"{context['message']}: {context.get('exception')}")


def _failure_of(task: asyncio.Task[None]) -> BaseException | None:
    """Return why a task has not done its work, if it has not."""
    if not task.done():
        return UnreachableError("the database does not answer in time")
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def _cancelled(tasks: set[Any]) -> None:
    """End tasks, and wait until they have."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _is_meant_for(settings: Settings, run: UnsavedRun) -> bool:
    """Tell whether a run goes to this store; embedded stores differ by their home alone."""
    return run.store == settings.store_name and run.settings.home == settings.home
