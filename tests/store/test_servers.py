"""The first server that answers and suits is taken, and one that is too old is named."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from backtest_store.store.connecting import several_servers
from backtest_store.store.embedded.os_user import account_for
from tests.shell import btstore
from tests.waiting import wait_until

BRIEF = "&connect_timeout=1"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def silent() -> Iterator[int]:
    """Give the port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def after(url: str, *hosts: str, **parameters: str) -> str:
    """Return the URL of a store behind other servers."""
    address = urlsplit(url)
    where = {name: values[0] for name, values in parse_qs(address.query).items()}
    names = [*(host.partition(":")[0] for host in hosts), where["host"]]
    ports = [*(host.partition(":")[2] for host in hosts), where["port"]]
    query = {"host": ",".join(names), "port": ",".join(ports)} | parameters
    return address._replace(query="&".join(f"{n}={v}" for n, v in query.items())).geturl()


def test_a_silent_server_does_not_use_up_the_time_of_the_next(
    store_url: str, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several_servers, "CONNECT_SECONDS", 1.0)
    url = after(store_url, f"127.0.0.1:{silent}")
    for words, parameters in (
        (["history"], ""),
        (["db", "status"], BRIEF),
        (["db", "migrate"], BRIEF),
    ):
        monkeypatch.setenv("BTSTORE_DATABASE_URL", url + parameters)
        started = time.monotonic()
        assert btstore(*words).code == 0, words
        assert time.monotonic() - started < 60, words  # which only guards a hang


def test_each_server_has_the_time_that_the_url_gives(
    store_url: str, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [f"127.0.0.1:{silent}"] * 2
    monkeypatch.setenv("BTSTORE_DATABASE_URL", after(store_url, *places, connect_timeout="1"))
    started = time.monotonic()
    assert btstore("history").code == 0
    assert 2 <= time.monotonic() - started < 4 * several_servers.CONNECT_SECONDS


@pytest.mark.parametrize("attributes", ["read-write", "prefer-standby", "primary", "any"])
def test_a_server_that_is_gone_is_passed_over(
    store_url: str, monkeypatch: pytest.MonkeyPatch, attributes: str
) -> None:
    url = after(store_url, "127.0.0.1:1", target_session_attrs=attributes)
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    assert btstore("history").code == 0


def test_libpq_s_own_variables_name_several_servers(
    store_url: str, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = parse_qs(urlsplit(store_url).query)
    monkeypatch.setenv("PGHOST", f"127.0.0.1,{where['host'][0]}")
    monkeypatch.setenv("PGPORT", f"{silent},{where['port'][0]}")
    monkeypatch.setenv("PGUSER", "btstore")
    monkeypatch.setattr(several_servers, "CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("PGDATABASE", urlsplit(store_url).path[1:])
    monkeypatch.setenv("BTSTORE_DATABASE_URL", "postgresql://")
    assert btstore("history").code == 0


def test_when_no_server_will_do_each_is_told_with_its_reason(
    home: Path, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"127.0.0.1:1,127.0.0.1:{silent}"
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"postgresql://u@{place}/d?connect_timeout=1")
    answer = btstore("history")
    assert answer.code == 4
    assert f"at {place}" in answer.err
    assert "connection refused" in answer.err
    assert "no answer" in answer.err


def test_a_standby_alone_is_no_server_to_write_to(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = after(store_url, "127.0.0.1:1", target_session_attrs="standby")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    assert btstore("history").code == 4


COMMANDS = (["history"], ["db", "status"], ["db", "migrate"], ["db", "rollback", "--yes"])


def test_a_server_older_than_is_supported_is_refused_by_name(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(store_url) as connection:
        major = connection.info.server_version // 10_000
    monkeypatch.setattr(several_servers, "OLDEST_POSTGRESQL", major + 1)
    for words in COMMANDS:
        answer = btstore(*words)
        assert answer.code == 5, words
        needed = f"the server is PostgreSQL {major}; a store needs {major + 1} or newer"
        assert needed in answer.err, words


@pytest.fixture
def postgresql_15(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a database of a real PostgreSQL 15."""
    if not (DEBIAN_15 / "initdb").exists():
        pytest.skip("PostgreSQL 15's server is not installed")
    folder = tmp_path_factory.mktemp("pg15")
    data = folder / "data"
    account = account_for(data)
    initdb, postgres = DEBIAN_15 / "initdb", DEBIAN_15 / "postgres"
    made = account.command(initdb, "-D", data, "-U", "btstore", "-A", "trust", "--no-sync")
    subprocess.run(made, check=True, capture_output=True, cwd="/")
    server = subprocess.Popen(
        account.command(postgres, "-D", data, "-k", folder, "-c", "listen_addresses="),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        wait_until((folder / ".s.PGSQL.5432").exists)
        wait_until(lambda: "ready" in (data / "postmaster.pid").read_text())
        yield f"postgresql://btstore@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_15_is_refused_by_name(
    postgresql_15: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", postgresql_15)
    for words in COMMANDS:
        answer = btstore(*words)
        assert answer.code == 5, words
        assert "the server is PostgreSQL 15; a store needs 16 or newer" in answer.err, words
    with psycopg.connect(postgresql_15) as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(query).fetchone() == (0,)


def test_a_database_that_cannot_hold_every_text_is_refused(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = "of_ascii"
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database}".encode())
        connection.execute(
            f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'SQL_ASCII'"
            " LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc".encode()
        )
    url = urlsplit(store_url)._replace(path=f"/{database}").geturl()
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    for words in COMMANDS:
        answer = btstore(*words)
        assert answer.code == 5, words
        error, hint = answer.err.splitlines()
        assert error == (
            "error: the database's encoding is SQL_ASCII, which cannot hold every text"
        )
        assert "ENCODING 'UTF8'" in hint
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
