"""yoyo on any libpq URL: steps and their mark commit together, one process at a time."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration

from backtest_store.log import get_logger
from backtest_store.store import sql
from backtest_store.store.connecting.password_warning import look_at

LOCK_PATIENCE = 3.0  # seconds; another's migration of a small store takes less
LOCK_PAUSE = 0.05


class YoyoBackend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend for psycopg, on a connection that libpq makes of a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        uri = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {})
        super().__init__(uri, "_yoyo_migration")

    def connect(self, _: DatabaseURI) -> psycopg.Connection[Any]:
        """Connect: several hosts and a passfile are libpq's to understand."""
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=4)
        look_at(connection)
        return connection

    @contextmanager
    def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
        """Take the lock of migrations, and say who holds it when that takes long.

        yoyo's own lock is a row that a killed process leaves behind; this one cannot be.
        """
        patience = time.monotonic() + LOCK_PATIENCE
        while not self._first("lock_migrations"):
            if time.monotonic() > patience:
                patience = math.inf
                holder = self._first("lock_holder") or "a session that just ended"
                get_logger().warning("waiting for a lock of migrations", held_by=holder)
            time.sleep(LOCK_PAUSE)
        yield

    def _first(self, name: str) -> Any:
        """Return the first value that a named query gives, or None."""
        row = self.connection.execute(sql.text(name).encode()).fetchone()
        return None if row is None else row[0]

    # yoyo commits a migration's steps on one connection and its mark later on another: killed
    # between them, it would apply the same steps again for ever.
    def apply_one(self, migration: Migration, **_: object) -> None:
        """Apply a migration and mark it as applied, or neither."""
        with self.transaction():
            migration.process_steps(self, "apply")
            self.mark_one(migration)

    def rollback_one(self, migration: Migration, *_: object) -> None:
        """Undo a migration and its mark, or neither."""
        with self.transaction():
            migration.process_steps(self, "rollback")
            self.unmark_one(migration)

    def get_log_data(
        self, migration: Migration | None = None, operation: str = "apply"
    ) -> dict[str, object]:
        """Return what yoyo logs: the user is the database's, as a container's may have no name."""
        return {
            "id": str(uuid4()),
            "migration_id": migration and migration.id,
            "migration_hash": migration and migration.hash,
            "username": self.connection.info.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }
