"""Bring a database to this version's schema, with yoyo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from backtest_store.errors import SchemaError, UnreachableError
from backtest_store.store import sql
from backtest_store.store.sql import folder

AS_THE_OWNER = "migrate as the owner of the database and its tables"

if TYPE_CHECKING:
    from backtest_store.store.yoyo_backend import YoyoBackend


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
def _locked(url: str) -> Iterator[YoyoBackend]:
    """Open a backend that alone migrates a database, whose migrations this version knows."""
    with _backend(url) as backend, backend.lock():
        backend.ensure_internal_schema_updated()
        missing([row[0] for row in backend.execute(sql.text("applied_migrations"))])
        yield backend


@contextmanager
def _backend(url: str) -> Iterator[YoyoBackend]:
    """Open yoyo's backend, whose failures are the store's."""
    import psycopg

    from backtest_store.store.yoyo_backend import YoyoBackend

    try:
        backend = YoyoBackend(url)
    except psycopg.OperationalError as error:
        raise UnreachableError(
            f"cannot reach PostgreSQL to migrate it: {str(error).splitlines()[0]}",
            hint="check BTSTORE_DATABASE_URL, and that the server runs",
        ) from error
    with backend:
        try:
            yield backend
        except psycopg.Error as error:
            is_a_right = isinstance(error, psycopg.errors.InsufficientPrivilege)
            raise SchemaError(
                f"cannot migrate the store: {str(error).splitlines()[0]}",
                hint=AS_THE_OWNER if is_a_right else "",
            ) from error
