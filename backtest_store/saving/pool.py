"""The one pool of a process, through which it saves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from backtest_store.errors import UnreachableError
from backtest_store.store import sql
from backtest_store.store.connecting.connection import answering, require_schema, server_url
from backtest_store.store.connecting.several_servers import CONNECT_SECONDS, open_connection
from backtest_store.store.connecting.sqlstate_classes import Failure, meaning
from backtest_store.store.settings import Settings

LARGEST_POOL = 4
IDLE_SECONDS = 30.0  # then a connection is given back: servers have few, and runs take minutes
CACHED_STATEMENTS = 20


class StorePool:
    """Connections to a store that takes writes, made when needed; errors are the store's own.

    A statement may take `patience` seconds.
    """

    def __init__(self, settings: Settings, patience: float = CONNECT_SECONDS) -> None:
        self.settings = settings
        self._patience = patience
        self._statement_cache_size = CACHED_STATEMENTS
        self._pool: asyncpg.Pool | None = None

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Run a query and return its rows; what may be a stale connection is not used again."""
        pool = await self._opened()
        try:
            with _explained(self.settings):
                return await pool.fetch(query, *args)
        except Exception as error:
            if meaning(error) is Failure.PASSING:
                await pool.expire_connections()
            raise

    def close(self) -> None:
        """Drop all connections at once."""
        if self._pool is not None:
            self._pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                connect=self._connect,
                reset=_leave_alone,
                min_size=0,
                max_size=LARGEST_POOL,
                max_inactive_connection_lifetime=IDLE_SECONDS,
            )
            await self._pool  # makes no connection yet, so it does not wait
        return self._pool

    async def _connect(self, *_: object, **__: object) -> asyncpg.Connection:
        """Connect; without prepared statements where a pooler would give them to others."""
        db = await self._reach()
        try:
            if self._statement_cache_size and not await _has_own_session(db):
                self._statement_cache_size = 0
                db.terminate()
                db = await self._reach()
            await require_schema(db, self.settings)
        except BaseException:
            db.terminate()
            raise
        return db

    async def _reach(self) -> asyncpg.Connection:
        return await open_connection(
            await asyncio.to_thread(server_url, self.settings),
            command_timeout=self._patience,
            statement_cache_size=self._statement_cache_size,
            target_session_attrs=SessionAttribute.read_write,  # even if the URL prefers to read
        )


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    with answering(settings):
        try:
            yield
        except asyncpg.TargetServerAttributeNotMatched as error:
            raise UnreachableError("no server of BTSTORE_DATABASE_URL takes writes") from error


async def _has_own_session(db: asyncpg.Connection) -> bool:
    """Say whether the server itself is at the other end, by a query that prepares nothing."""
    query = sql.filled(sql.text("own_session"), pid=str(db.get_server_pid()))
    return await db.execute(query) == "SELECT 1"


async def _leave_alone(_: asyncpg.Connection) -> None:
    """Spare a round trip: a save changes nothing in its session."""
