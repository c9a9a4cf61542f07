"""Connect to the first server of a URL that will do, each with a time of its own."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backtest_store.errors import SchemaError, UsageError
from backtest_store.store.connecting import database_url
from backtest_store.store.connecting.database_url import DatabaseUrl, Host

if TYPE_CHECKING:
    from asyncpg import Connection

OLDEST_POSTGRESQL = 16
ENCODING = "UTF8"
CONNECT_SECONDS = 4.0  # for each server, unless the URL has a connect_timeout


async def open_connection(url: str, **options: Any) -> Connection:
    """Connect to one server of a URL, as libpq would: the first that answers and suits.

    The driver itself gives all servers of a URL one time in all, which the first that is silent
    uses up.

    Parameters
    ----------
    url : str
        A libpq URI.
    options : Any
        What else `asyncpg.connect` takes.

    Raises
    ------
    UsageError
        If the URL is none.
    SchemaError
        If the server is older than what is supported, or its database cannot hold all text.
    OSError, asyncpg.PostgresError, asyncpg.InterfaceError
        What the driver raises.
    """
    import asyncpg

    failures: list[tuple[Host, Exception]] = []
    where = database_url.parse(url)
    for host, attributes in _attempts(where, options.pop("target_session_attrs", None)):
        try:
            db = await _connect(where, host, target_session_attrs=attributes, **options)
        except (
            OSError,
            asyncpg.CannotConnectNowError,
            asyncpg.TargetServerAttributeNotMatched,
        ) as error:
            failures.append((host, error))
            continue
        return _supported(db)
    raise _most_telling(failures)


async def _connect(where: DatabaseUrl, host: Host, **options: Any) -> Connection:
    import asyncpg

    from backtest_store.store.connecting.password_warning import WatchedConnection

    if not where.user and "service" not in where.parameters:
        _require_a_name()
    return await asyncpg.connect(
        where.of_driver(),
        host=[host.name] if host.name else None,
        port=host.port,
        connection_class=WatchedConnection,
        timeout=seconds_of(where),
        server_settings={"application_name": "btstore", "timezone": "UTC"},
        **options,
    )


def _require_a_name() -> None:
    """Refuse a user whom the operating system has no name for, to log in with."""
    from getpass import getuser

    if os.environ.get("PGUSER"):
        return
    try:
        getuser()
    except (KeyError, OSError):
        raise UsageError(
            f"the user id {os.geteuid()} has no name to log in with",
            hint="give one: postgresql://user@host/database, or PGUSER",
        ) from None


def seconds_of(where: DatabaseUrl) -> float:
    """Return the time that each server has to let in."""
    return float(where.parameters.get("connect_timeout", 0)) or CONNECT_SECONDS


def _attempts(where: DatabaseUrl, attributes: str | None) -> Iterator[tuple[Host, str | None]]:
    """Yield each server with what it has to be; a standby that is preferred comes first."""
    hosts = list(where.hosts) or [Host("")]
    if not where.hosts and not {"service"} & where.parameters.keys():
        hosts = list(database_url.hosts_of_environment()) or hosts
    if where.parameters.get("load_balance_hosts") == "random":
        random.shuffle(hosts)
    wanted = attributes or where.parameters.get("target_session_attrs")
    wanted = wanted or os.environ.get("PGTARGETSESSIONATTRS")
    passes = ["standby", "any"] if wanted == "prefer-standby" else [wanted]
    return ((host, each) for each in passes for host in hosts)


def _supported(db: Connection) -> Connection:
    try:
        encoding = getattr(db.get_settings(), "server_encoding", ENCODING)
        require_supported(db.get_server_version().major, encoding)
    except SchemaError:
        db.terminate()
        raise
    return db


def require_supported(major: int, encoding: str) -> None:
    """Refuse a server that is too old, and a database that cannot hold all text.

    Raises
    ------
    SchemaError
        If so, with what it is.
    """
    if major < OLDEST_POSTGRESQL:
        raise SchemaError(
            f"the server is PostgreSQL {major}; a store needs {OLDEST_POSTGRESQL} or newer",
            hint="upgrade it, or set BTSTORE_DATABASE_URL to a newer one",
        )
    if encoding != ENCODING:
        raise SchemaError(
            f"the database's encoding is {encoding}, which cannot hold every text",
            hint="create one with CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
        )


def _most_telling(failures: list[tuple[Host, Exception]]) -> Exception:
    """Return what to raise when no server did: that one is starting says more than silence."""
    import asyncpg

    errors = [error for _, error in failures]
    for kind in (asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched):
        found = next((error for error in errors if isinstance(error, kind)), None)
        if found is not None:
            return found
    if len(failures) == 1:
        return errors[0]
    told = [f"{host.name or 'the default'}: {reason(error)}" for host, error in failures]
    together = ConnectionError("; ".join(dict.fromkeys(told)))
    together.__cause__ = errors[-1]
    return together


def reason(error: Exception) -> str:
    """Say why a connection failed, in a line."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]
