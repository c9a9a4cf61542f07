"""One place opens the store, and its errors are for people."""

from pathlib import Path

import asyncpg
import pytest

from backtest_store.errors import SchemaError, StoreError, UnreachableError, UsageError
from backtest_store.runs import listing
from backtest_store.runs.listing import Listing
from backtest_store.store import migrations
from backtest_store.store.connecting.connection import call, public_url
from backtest_store.store.embedded.server import EmbeddedServer

SECRET = "geheim"  # noqa: S105 - planted, to be looked for in what is printed


async def list_runs(db: asyncpg.Connection) -> list[object]:
    return list(await listing.ids(db, Listing()))


def test_the_embedded_store_starts_and_migrates_itself(home: Path) -> None:
    try:
        assert call(list_runs) == []
    finally:
        EmbeddedServer(home).stop()


def test_a_shared_store_without_schema_says_who_mends_it(unmigrated_url: str) -> None:
    with pytest.raises(SchemaError, match=r"0001\.runs-and-metrics") as raised:
        call(list_runs)
    assert "btstore db migrate" in raised.value.hint
    migrations.migrate(unmigrated_url)
    assert call(list_runs) == []


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://someone:{SECRET}@127.0.0.1:1/store",
        f"postgresql://someone:{SECRET}@127.0.0.1:1,127.0.0.1:2/store",
        f"postgresql:///store?host=/nowhere&password={SECRET}",
        f"postgresql://someone:{SECRET}@nowhere.invalid/store",
    ],
)
def test_an_unreachable_store_is_told_without_its_password(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    with pytest.raises(UnreachableError) as raised:
        call(list_runs)
    assert SECRET not in f"{raised.value} {raised.value.hint}"
    assert raised.value.hint
    assert "\n" not in str(raised.value)
    assert not home.exists()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://someone:{SECRET}@127.0.0.1:port/store",
        f"postgresql://someone:{SECRET}@127.0.0.1/store?sslmode={SECRET}",
        f"someone:{SECRET}@127.0.0.1",
        SECRET,
    ],
)
def test_a_url_that_makes_no_sense_is_bad_usage(
    home: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    with pytest.raises(UsageError, match="BTSTORE_DATABASE_URL") as raised:
        call(list_runs)
    assert SECRET not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize("variable", ["PGPORT", "PGSSLMODE", "PGTARGETSESSIONATTRS"])
def test_what_the_driver_alone_reads_is_not_quoted_either(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"postgresql://someone:{SECRET}@127.0.0.1/store")
    monkeypatch.setenv(variable, f"someone:{SECRET}@127.0.0.1")
    with pytest.raises(UsageError, match="PG variables") as raised:
        call(list_runs)
    assert SECRET not in f"{raised.value} {raised.value.hint} {raised.value.__cause__}"


def test_a_missing_database_is_unreachable(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", store_url.replace("/tests", "/nowhere"))
    with pytest.raises(UnreachableError, match="does not exist"):
        call(list_runs)


def test_a_query_that_the_server_refuses_is_an_error_of_the_store(store_url: str) -> None:
    async def divide(db: asyncpg.Connection) -> None:
        await db.execute("SELECT 1 / 0")

    with pytest.raises(StoreError, match="division by zero"):
        call(divide)


@pytest.mark.parametrize(
    "error", [ValueError("mine"), FileNotFoundError("mine"), BrokenPipeError()]
)
def test_an_error_of_a_use_case_stays_what_it_is(store_url: str, error: Exception) -> None:
    async def fail(_: asyncpg.Connection) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        call(fail)
    assert raised.value is error


def test_a_connection_that_breaks_is_an_unreachable_store(store_url: str) -> None:
    async def lose(db: asyncpg.Connection) -> None:
        await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(UnreachableError):
        call(lose)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("postgresql://u:p@h:1/d", "postgresql://u@h:1/d"),
        (
            "postgresql://u:p%40@h1:1,h2:2/d?sslmode=require",
            "postgresql://u@h1:1,h2:2/d?sslmode=require",
        ),
        ("postgresql:///d?host=/tmp/a&password=p&sslpassword=q", "postgresql:///d?host=/tmp/a"),
        ("postgresql://", "postgresql://"),
    ],
)
def test_a_public_url_has_no_password(url: str, public: str) -> None:
    assert public_url(url) == public
