"""Bring a database to this version's schema, with yoyo."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from backtest_store.errors import SchemaError, UnreachableError
from backtest_store.log import get_logger
from backtest_store.store import sql
from backtest_store.store.sql_files import folder

AS_THE_OWNER = "migrate as the owner of the database and its tables"
LOCK_PATIENCE = 3.0  # seconds; another's migration of a small store takes less
LOCK_PAUSE = 0.05

if TYPE_CHECKING:
    import psycopg
    from yoyo.backends.base import DatabaseBackend
    from yoyo.migrations import Migration


@cache
def known() -> tuple[str, ...]:
    """Return the ids of this version's migrations, oldest first."""
    names = (path.name for path in folder("migrations").glob("*.sql"))
    return tuple(sorted(n[: -len(".sql")] for n in names if not n.endswith(".rollback.sql")))


def missing(applied: list[str]) -> list[str]:
    """Return the migrations that a database lacks.

    Raises
    ------
    SchemaError
        If the database has migrations that this version does not know.
    """
    unknown = sorted(set(applied) - set(known()))
    if unknown:
        raise SchemaError(
            f"the store's schema is newer than this version of btstore: it has {unknown[-1]}",
            hint="upgrade backtest-store on this machine",
        )
    return [name for name in known() if name not in applied]


def migrate(url: str) -> list[str]:
    """Apply what is missing and return the ids of what was applied.

    Processes that migrate one database at the same time wait for each other.

    Raises
    ------
    SchemaError
        If the database has migrations that this version does not know.
    """
    with _locked(url) as backend:
        todo = backend.to_apply(_migrations())
        backend.apply_migrations(todo)
        return [migration.id for migration in todo]


def newest(url: str) -> str | None:
    """Return the id of the newest migration that the database has.

    Raises
    ------
    SchemaError
        If the database has migrations that this version does not know.
    """
    with _locked(url) as backend:
        return next((m.id for m in backend.to_rollback(_migrations())), None)


def rollback(url: str) -> list[str]:
    """Undo the newest migration and return its id; the data it held is lost.

    Raises
    ------
    SchemaError
        If the database has migrations that this version does not know.
    """
    with _locked(url) as backend:
        undone = backend.to_rollback(_migrations())[:1]
        backend.rollback_migrations(undone)
        return [migration.id for migration in undone]


def _migrations() -> Any:
    from yoyo import read_migrations

    return read_migrations(str(folder("migrations")))


@contextmanager
def _locked(url: str) -> Iterator[DatabaseBackend]:
    """Open a backend that alone migrates a database, whose migrations this version knows."""
    with _backend(url) as backend, backend.lock():
        backend.ensure_internal_schema_updated()
        missing([row[0] for row in backend.execute(sql.text("applied_migrations"))])
        yield backend


def _wait_for_lock(connection: psycopg.Connection[Any]) -> None:
    """Take the lock of migrations, and say who holds it when that takes long."""
    patience = time.monotonic() + LOCK_PATIENCE
    while not _first(connection, "lock_migrations"):
        if time.monotonic() > patience:
            patience = math.inf
            holder = _first(connection, "lock_holder") or "a session that just ended"
            get_logger().warning("waiting for a lock of migrations", held_by=holder)
        time.sleep(LOCK_PAUSE)


def _first(connection: psycopg.Connection[Any], name: str) -> Any:
    """Return the first value that a named query gives, or None."""
    row = connection.execute(sql.text(name).encode()).fetchone()
    return None if row is None else row[0]


@contextmanager
def _backend(url: str) -> Iterator[DatabaseBackend]:
    """Open a yoyo backend on any libpq URL, several hosts and passfile included."""
    import psycopg
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
    from yoyo.connections import DatabaseURI

    from backtest_store.store.password_exposure import look_at

    class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
        def connect(self, _: DatabaseURI) -> psycopg.Connection[Any]:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=4)
            look_at(connection)
            return connection

        @contextmanager
        def lock(self, timeout: float = 0) -> Iterator[None]:  # noqa: ARG002 - yoyo's signature
            # yoyo's own lock is a row that a killed process leaves behind; this one cannot be.
            _wait_for_lock(self.connection)
            yield

        # yoyo commits a migration's steps on one connection and its mark later on another: killed
        # between them, it would apply the same steps again for ever.
        def apply_one(self, migration: Migration, **_: object) -> None:
            with self.transaction():
                migration.process_steps(self, "apply")
                self.mark_one(migration)

        def rollback_one(self, migration: Migration, *_: object) -> None:
            with self.transaction():
                migration.process_steps(self, "rollback")
                self.unmark_one(migration)

        def get_log_data(
            self, migration: Migration | None = None, operation: str = "apply"
        ) -> dict[str, object]:
            # yoyo asks the system for the user's name, which a container's user has none of.
            return {
                "id": str(uuid4()),
                "migration_id": migration and migration.id,
                "migration_hash": migration and migration.hash,
                "username": self.connection.info.user,
                "hostname": socket.gethostname(),
                "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
                "operation": operation,
            }

    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {})
    try:
        backend = Backend(uri, "_yoyo_migration")
    except psycopg.OperationalError as error:
        raise UnreachableError(
            f"cannot reach PostgreSQL to migrate it: {str(error).splitlines()[0]}",
            hint="check BTSTORE_DATABASE_URL, and that the server runs",
        ) from error
    with backend:
        try:
            yield backend
        except psycopg.Error as error:
            from psycopg.errors import InsufficientPrivilege

            raise SchemaError(
                f"cannot migrate the store: {str(error).splitlines()[0]}",
                hint=AS_THE_OWNER if isinstance(error, InsufficientPrivilege) else "",
            ) from error
