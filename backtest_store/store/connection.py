"""Open the store: find its server, connect, check its schema. The one place that maps errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from backtest_store.errors import SchemaError, StoreError, UnreachableError, UsageError
from backtest_store.store import migrations
from backtest_store.store.queries import applied_migrations
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")
CONNECT_SECONDS = 4.0
NO_ROOT_CERTIFICATE = "root certificate file"
CHECK_THE_URL = "check BTSTORE_DATABASE_URL, and that the server runs and lets you in"


def call(use_case: Callable[[Connection], Awaitable[T]]) -> T:
    """Open the store of the environment, await one use case on it, and leave."""

    async def main() -> T:
        async with connect(Settings.from_environment()) as db:
            return await use_case(db)

    return asyncio.run(main())


def public_url(url: str) -> str:
    """Return a libpq URL without its passwords."""
    from urllib.parse import parse_qsl, urlencode, urlsplit

    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    kept = [(k, v) for k, v in parse_qsl(parts.query) if "password" not in k.lower()]
    place = f"{parts.scheme}://{user.partition(':')[0]}{at}{hosts}{parts.path}"
    return f"{place}?{urlencode(kept, safe='/,')}" if kept else place


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Connection]:
    """Connect to the store, its schema being this version's.

    Raises
    ------
    UsageError
        If the URL makes no sense.
    UnreachableError
        If no server answers, or it refuses the user.
    SchemaError
        If the schema of a shared store is not this version's.
    """
    async with connect_to_server(settings) as db:
        await require_schema(db, settings)
        yield db


@asynccontextmanager
async def connect_to_server(settings: Settings) -> AsyncIterator[Connection]:
    """Connect to the store, whatever its schema."""
    with answering(settings):
        db = await _connected(settings)
    try:
        with reachable(settings):
            yield db
    finally:
        db.terminate()


async def _connected(settings: Settings) -> Connection:
    import asyncpg

    from backtest_store.store.exposure import WatchedConnection

    def to(url: str) -> Awaitable[Connection]:
        return asyncpg.connect(
            url,
            connection_class=WatchedConnection,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,  # PgBouncer in transaction mode knows no prepared statements
            server_settings={"application_name": "btstore", "timezone": "UTC"},
        )

    if settings.database_url is not None:
        return await to(settings.database_url)
    from backtest_store.store.embedded.server import EmbeddedServer

    return await EmbeddedServer(settings.home, settings.pg_bindir).start_and_connect(to)


def server_url(settings: Settings) -> str:
    """Return the libpq URL of the store, starting the embedded server if it is the one."""
    if settings.database_url is not None:
        return settings.database_url
    from backtest_store.store.embedded.server import EmbeddedServer

    return EmbeddedServer(settings.home, settings.pg_bindir).start()


async def require_schema(db: Connection, settings: Settings) -> None:
    """Make sure that the schema is this version's; migrate an embedded store by itself.

    Raises
    ------
    SchemaError
        If it is missing or older on a shared store, or newer on any.
    """
    missing = migrations.missing(await applied(db))
    if not missing:
        return
    if settings.database_url is not None:
        raise SchemaError(
            f"the store's schema lacks {', '.join(missing)}",
            hint="its owner brings it up to date with: btstore db migrate",
        )
    await asyncio.to_thread(migrations.migrate, server_url(settings))


async def applied(db: Connection) -> list[str]:
    """Return the migrations that the database has; none if it was never migrated."""
    from asyncpg import UndefinedTableError

    try:
        return await applied_migrations(db)
    except UndefinedTableError:
        return []


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turn what is raised while connecting into errors of the store."""
    try:
        with reachable(settings):
            yield
    except OSError as error:  # before ValueError: a certificate that does not match is both
        raise _unreachable(settings, error) from error
    except ValueError as error:
        if str(error).startswith(NO_ROOT_CERTIFICATE):
            raise UsageError(
                str(error).partition("\n")[0],
                hint="put it there, name another with sslrootcert=, or use sslmode=require",
            ) from error
        # Said without quoting the URL as the driver does: it may hold a password.
        raise UsageError(
            "BTSTORE_DATABASE_URL is not a URL that PostgreSQL understands",
            hint="it looks like postgresql://user@host:5432/database",
        ) from error


@contextmanager
def reachable(settings: Settings) -> Iterator[None]:
    """Turn what the driver raises on an open connection into errors of the store."""
    import asyncpg

    try:
        yield
    except asyncpg.ClientConfigurationError:
        raise
    except (
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        asyncpg.PostgresConnectionError,
        ConnectionResetError,
    ) as error:
        raise _unreachable(settings, error) from error
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.TooManyConnectionsError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
    ) as error:
        raise UnreachableError(
            f"PostgreSQL{_place(settings)} refuses: {error}", hint=CHECK_THE_URL
        ) from error
    except asyncpg.UndefinedTableError as error:
        raise SchemaError(f"the store's schema is damaged: {error}") from error
    except asyncpg.PostgresError as error:
        raise StoreError(f"PostgreSQL refuses: {error}") from error


def _unreachable(settings: Settings, error: Exception) -> UnreachableError:
    message = f"cannot reach PostgreSQL{_place(settings)}: {_reason(error)}"
    return UnreachableError(message, hint=CHECK_THE_URL)


def _place(settings: Settings) -> str:
    """Name the server without what may be secret in its URL."""
    from urllib.parse import urlsplit

    if settings.database_url is None:
        return f" in {settings.home}"
    hosts = urlsplit(settings.database_url).netloc.rpartition("@")[2]
    return f" at {hosts}" if hosts else ""


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_SECONDS:.0f} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]
