"""The embedded server: a PostgreSQL of one user's own, started by who needs it first."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from backtest_store.errors import StoreError, UnreachableError
from backtest_store.store.embedded.server_files import ServerFiles
from backtest_store.store.private_folders import explained, require_private

T = TypeVar("T")
ATTEMPTS = 5
CONNECTION_LOST = ("08", "57")  # SQLSTATE classes: connection exception, operator intervention


class EmbeddedServer:
    """A PostgreSQL server in a directory, reached over its socket by the directory's user alone.

    It is created and started on first use and left running for the next process. Any number of
    processes may start it at once. Its binaries are those of `bindir`, or the ones found.
    """

    def __init__(self, home: Path, bindir: Path | None = None) -> None:
        if os.name != "posix":
            raise StoreError(
                "the embedded server runs on Linux and macOS only",
                hint="set BTSTORE_DATABASE_URL to a PostgreSQL server",
            )
        self._files = ServerFiles(home)
        self._bindir = bindir

    @property
    def data_directory(self) -> Path:
        """The cluster's directory."""
        return self._files.data_directory

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._files.log_path

    @property
    def socket_directory(self) -> Path:
        """The directory of the server's socket."""
        return self._files.socket_directory

    def start(self) -> str:
        """Make sure that the server runs, and return its URL, which holds no secret.

        Raises StoreError if it cannot be had, with the reason and what to do.
        """
        with explained(self._files.home):
            found = self._exists() and self._files.is_serving()
        if not found:
            return self._start_with_care()
        return self.url()

    async def start_and_connect(self, connect: Callable[[str], Awaitable[T]]) -> T:
        """Start the server and connect to its URL; again if somebody stops it in between."""
        import asyncio  # the caller has it already

        start = self.start
        for _ in range(ATTEMPTS - 1):
            url = await asyncio.to_thread(start)
            try:
                return await connect(url)
            except Exception as error:
                if not _is_connection_lost(error):
                    raise
            start = self._start_with_care
        return await connect(await asyncio.to_thread(start))

    def stop(self) -> bool:
        """Stop the server, disconnecting its clients; say whether it ran."""
        from backtest_store.store.embedded import (
            start_and_stop,  # not needed by those who find it running
        )

        return start_and_stop.stop(self._files)

    def pid(self) -> int | None:
        """Return the server's process id; None if it does not run."""
        with explained(self._files.home):
            return self._files.pid() if self._exists() else None

    def url(self) -> str:
        """Return the libpq URL of the store's database, whether the server runs or not."""
        return self._files.url()

    def version(self) -> str | None:
        """Return the version of the running server, such as 18.6; None if it does not run."""
        with explained(self._files.home):
            launched = self._files.launched() if self._exists() else None
        return launched.version if launched else None

    def _start_with_care(self) -> str:
        from backtest_store.store.embedded import (
            start_and_stop,  # not needed by those who find it running
        )

        start_and_stop.start(self._files, self._bindir)
        return self.url()

    def _exists(self) -> bool:
        """Say whether there is a home; refuse one that another user could have put there."""
        try:
            require_private(self._files.home)
            if os.path.lexists(self._files.socket_directory):
                require_private(self._files.socket_directory, may_be_a_link=False)
        except FileNotFoundError:
            return False
        return True


def _is_connection_lost(error: Exception) -> bool:
    """Say whether a server that is not there or just stopping is behind an error."""
    from asyncpg import InterfaceError, InternalClientError

    sqlstate = getattr(error, "sqlstate", None) or ""
    ours = (OSError, InterfaceError, InternalClientError, UnreachableError)
    return isinstance(error, ours) or sqlstate.startswith(CONNECTION_LOST)
