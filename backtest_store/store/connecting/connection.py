"""Open the store: find its server, connect, check its schema. The one place that maps errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from backtest_store.errors import SchemaError, StoreError, UnreachableError, UsageError
from backtest_store.store import migrations
from backtest_store.store.connecting import database_url
from backtest_store.store.connecting.several_servers import open_connection, reason
from backtest_store.store.queries import applied_migrations
from backtest_store.store.settings import Settings

if TYPE_CHECKING:
    from asyncpg import Connection

    Check = Callable[[Connection], Awaitable[None]]

T = TypeVar("T")
RECOVERY_SECONDS = 60.0  # a start after a crash replays up to max_wal_size first
RECOVERY_PAUSE = 0.1
NO_STANDBY = "not accepting connections"  # nor will it ever: hot standby is disabled
NO_ROOT_CERTIFICATE = "root certificate file"
CHECK_THE_URL = "check BTSTORE_DATABASE_URL, and that the server runs and lets you in"


def call(use_case: Callable[[Connection], Awaitable[T]]) -> T:
    """Open the store of the environment, await one use case on it, and leave."""

    async def main() -> T:
        async with connect(Settings.from_environment()) as db:
            return await use_case(db)

    return asyncio.run(main())


def read(use_case: Callable[[Connection], Awaitable[T]]) -> T:
    """Do the same with a use case that only reads, and does not see what others do meanwhile."""

    async def of_one_moment(db: Connection) -> T:
        moment = db.transaction(isolation="repeatable_read", readonly=True)
        await moment.start()
        answer = await use_case(db)
        # Only then: after an export that could not be written the driver would wait for ever for
        # the end of a COPY that is over. The connection is dropped anyway.
        await moment.commit()
        return answer

    return call(of_one_moment)


def public_url(url: str) -> str:
    """Return a libpq URL without its passwords."""
    return database_url.parse(url).public()


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Connection]:
    """Connect to the store, its schema being this version's.

    Raises UsageError if the URL makes no sense, UnreachableError if no server answers or it refuses
    the user, and SchemaError if the schema of a shared store is not this version's.
    """
    async with _opened(settings, lambda db: require_schema(db, settings)) as db:
        yield db


def connect_to_server(settings: Settings) -> AbstractAsyncContextManager[Connection]:
    """Connect to the store, whatever its schema."""
    return _opened(settings, _take_as_it_is)


@asynccontextmanager
async def _opened(settings: Settings, check: Check) -> AsyncIterator[Connection]:
    with answering(settings):
        db = await _connected(settings, check)
    try:
        with reachable(settings):
            yield db
    finally:
        db.terminate()


async def _connected(settings: Settings, check: Check) -> Connection:
    if settings.database_url is not None:
        return await _checked(settings.database_url, check)
    from backtest_store.store.embedded.server import EmbeddedServer

    server = EmbeddedServer(settings.home, settings.pg_bindir)
    return await server.start_and_connect(lambda url: _checked(url, check))


async def _checked(url: str, check: Check) -> Connection:
    # Without prepared statements, which PgBouncer in transaction mode does not know.
    db = await _when_it_is_up(lambda: open_connection(url, statement_cache_size=0))
    try:
        await check(db)
    except BaseException:
        db.terminate()
        raise
    return db


async def _take_as_it_is(_: Connection) -> None:
    """Check nothing."""


async def _when_it_is_up(connect: Callable[[], Awaitable[Connection]]) -> Connection:
    """Connect, after waiting while the server says that it starts or recovers."""
    from asyncpg import CannotConnectNowError

    end = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return await connect()
        except CannotConnectNowError as error:
            if NO_STANDBY in str(error) or time.monotonic() > end:
                raise
        await asyncio.sleep(RECOVERY_PAUSE)


def server_url(settings: Settings) -> str:
    """Return the libpq URL of the store, starting the embedded server if it is the one."""
    if settings.database_url is not None:
        return str(database_url.parse(settings.database_url))
    from backtest_store.store.embedded.server import EmbeddedServer

    return EmbeddedServer(settings.home, settings.pg_bindir).start()


def url_of_a_running_server(settings: Settings) -> str:
    """Return the same after a connection was made, for a driver that waits for nothing."""

    async def look() -> None:
        async with connect_to_server(settings):
            pass

    asyncio.run(look())
    return server_url(settings)


async def require_schema(db: Connection, settings: Settings) -> None:
    """Migrate an embedded store to this version's schema; raise SchemaError for a shared one."""
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
        # Without the driver's error as its cause, which quotes what it does not understand.
        raise UsageError(
            "BTSTORE_DATABASE_URL, or one of the PG variables, is nothing that PostgreSQL"
            " understands",
            hint=database_url.LOOKS_LIKE,
        ) from None


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
            f"PostgreSQL{_place(settings)} refuses: {error}", hint=_hint(settings)
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise _not_allowed(error) from error
    except asyncpg.UndefinedTableError as error:
        raise SchemaError(f"the store's schema is damaged: {error}") from error
    except asyncpg.PostgresError as error:
        raise StoreError(f"PostgreSQL refuses: {error}") from error


def _not_allowed(error: Exception) -> StoreError:
    """Say what this user may not do; who may not even see the schema's version has no role."""
    if "_yoyo_migration" in str(error):
        return StoreError(
            f"you have no role in this store: {error}",
            hint="its owner gives you one: GRANT btstore_reader TO your_user; or btstore_writer",
        )
    return StoreError(
        f"you may only read in this store: {error}",
        hint="ask its owner for the role btstore_writer",
    )


def _unreachable(settings: Settings, error: Exception) -> UnreachableError:
    message = f"cannot reach PostgreSQL{_place(settings)}: {reason(error)}"
    return UnreachableError(message, hint=_hint(settings))


def _hint(settings: Settings) -> str:
    if settings.database_url is None:
        return f"see {settings.home / 'postgres.log'}"
    return CHECK_THE_URL


def _place(settings: Settings) -> str:
    """Name the server without what may be secret in its URL."""
    if settings.database_url is None:
        return f" in {settings.home}"
    with suppress(UsageError):
        place = database_url.parse(settings.database_url).place
        return f" at {place}" if place else ""
    return ""
