"""What can pass is tried again, what needs somebody waits, what is refused for good is put away."""

import socket

import asyncpg
import pytest

from backtest_store.errors import SchemaError, StoreError, UnreachableError
from backtest_store.store.connecting.connection import reachable
from backtest_store.store.connecting.sqlstate_classes import Failure, meaning
from backtest_store.store.settings import Settings

RAISED = {
    "SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)": Failure.PASSING,
    "SELECT pg_terminate_backend(pg_backend_pid())": Failure.PASSING,
    "SET TRANSACTION READ ONLY; DELETE FROM backtest_runs": Failure.PASSING,
    "EXECUTE no_such_statement": Failure.PASSING,
    "SELECT 1/0": Failure.REJECTED,
    "SELECT '{'::jsonb": Failure.REJECTED,
    r"SELECT '\u0000'::jsonb || '1' ->> 0": Failure.REJECTED,
    "INSERT INTO performance_metrics DEFAULT VALUES": Failure.REJECTED,
    "SELECT array_fill(0, ARRAY[100000, 100000])": Failure.REJECTED,
    "SELECT * FROM no_such_table": Failure.LASTING,
    "SELECT no_such_column FROM backtest_runs": Failure.LASTING,
    "SELEC": Failure.LASTING,
}


async def error_of(db: asyncpg.Connection, statements: str) -> Exception:
    try:
        await db.execute(statements)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize("statements", RAISED)
async def test_a_server_s_error_means_the_same_by_itself_and_explained(
    store_url: str, statements: str
) -> None:
    db = await asyncpg.connect(store_url)
    error = await error_of(db, statements)
    db.terminate()
    assert meaning(error) is RAISED[statements]
    with pytest.raises(StoreError) as explained, reachable(Settings.from_environment()):
        raise error
    assert meaning(explained.value) is RAISED[statements]


UNCONNECTED = {
    "postgresql://127.0.0.1:1/x": Failure.PASSING,
    "postgresql:///x?host=/nowhere": Failure.PASSING,
    "postgresql://host:port/x": Failure.LASTING,
    "postgresql://127.0.0.1/x?sslmode=perhaps": Failure.LASTING,
}


@pytest.mark.parametrize("url", UNCONNECTED)
async def test_what_prevents_a_connection(url: str) -> None:
    with pytest.raises((OSError, ValueError, asyncpg.InterfaceError)) as raised:
        await asyncpg.connect(url, timeout=2)
    assert meaning(raised.value) is UNCONNECTED[url]


def test_what_the_store_itself_says() -> None:
    assert meaning(SchemaError("the store's schema lacks 0001")) is Failure.LASTING
    assert meaning(UnreachableError("no PostgreSQL found")) is Failure.LASTING
    assert meaning(RuntimeError("can't start new thread")) is Failure.LASTING
    assert meaning(socket.gaierror("no such host")) is Failure.PASSING
    assert meaning(TimeoutError()) is Failure.PASSING
