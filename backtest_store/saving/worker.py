"""The background thread of a process, with the event loop in which it saves."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from backtest_store.saving.saver import Saver

if TYPE_CHECKING:
    from concurrent.futures import Future

    from backtest_store.saving.unsaved import Unsaved

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

    def submit(self, run: Unsaved) -> Future[bool]:
        """Start to save a run."""
        return asyncio.run_coroutine_threadsafe(self._saver.save(run), self._loop)

    def hurry(self) -> None:
        """Let what is under way turn to the spool at once."""
        self._loop.call_soon_threadsafe(self._saver.hurry)

    def close(self) -> None:
        """Finish what is under way, and end the thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(LONGEST_EXIT)

    def _run(self) -> None:
        # Python's development mode would have the loop complain that a flush to disk took long.
        with asyncio.Runner(debug=False, loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._saver = Saver()
        self._ready.set()
        await self._stopped.wait()
        await self._saver.finish()
