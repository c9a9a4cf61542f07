"""The background thread of a process, with the event loop in which it saves."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from backtest_store.saving.saver import Saver
from backtest_store.saving.unsaved import Pending

if TYPE_CHECKING:
    from uuid import UUID

    from backtest_store.models import Record
    from backtest_store.saving.unsaved import Unsaved
    from backtest_store.store.settings import Settings

LONGEST_EXIT = 10.0  # seconds


class Worker:
    """A thread that saves, whatever loop or thread the runs come from.

    Raises
    ------
    RuntimeError
        If the process can start no more threads.
    """

    def __init__(self) -> None:
        self._ready = threading.Event()
        # A daemon, as the exit of the process is what stops it: `close` waits for it then.
        self._thread = threading.Thread(target=self._run, name="btstore-saving", daemon=True)
        self._thread.start()
        self._ready.wait()

    def is_alive(self) -> bool:
        """Say whether it takes runs."""
        return self._thread.is_alive()

    def submit(self, run: Unsaved) -> Pending:
        """Start to save a run."""
        pending = Pending()
        self._loop.call_soon_threadsafe(self._saver.save, run, pending)
        return pending

    def warn_if_repeated(self, record: Record, settings: Settings) -> None:
        """Start to look for a stored run that is identical to one just saved."""
        looking = self._saver.warn_if_repeated(record, settings)
        asyncio.run_coroutine_threadsafe(looking, self._loop)

    def prepare(self, settings: Settings) -> None:
        """Start to open a store, unless it is a shared one."""
        if settings.database_url is None:
            asyncio.run_coroutine_threadsafe(self._saver.prepare(settings), self._loop)

    def hurry(self, run_id: UUID) -> None:
        """Let a run that is under way turn to the spool at once."""
        self._loop.call_soon_threadsafe(self._saver.hurry, run_id)

    def close(self) -> None:
        """Finish what is under way, and end the thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(LONGEST_EXIT)

    def _run(self) -> None:
        # Not asyncio.run: to end the loop's threads it starts another, which an exiting Python
        # 3.12 refuses.
        loop = asyncio.SelectorEventLoop()
        loop.set_debug(False)  # Python's development mode would complain of each slow disk
        try:
            loop.run_until_complete(self._main())
        finally:
            loop.close()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._saver = Saver()
        self._ready.set()
        await self._stopped.wait()
        await self._saver.finish()
        await _cancel_the_rest()


async def _cancel_the_rest() -> None:
    """End what was given up already, else the loop complains that it is pending."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
