"""`btstore db` looks after the store."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backtest_store.store import migrations
from backtest_store.store.embedded.server import EmbeddedServer
from tests.shell import btstore


@pytest.fixture
def embedded(home: Path) -> Iterator[Path]:
    yield home
    EmbeddedServer(home).stop()


def test_the_life_of_an_embedded_store(embedded: Path) -> None:
    assert "not running" in btstore("db", "status").out
    assert btstore("history").code == 0
    status = btstore("db", "status").out
    assert "running, process" in status
    assert migrations.known()[-1] in status
    assert btstore("db", "stop").err == "the embedded server is stopped\n"
    assert btstore("db", "stop").err == "the embedded server was not running\n"
    url = btstore("db", "url").out.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM backtest_runs").fetchone() == (0,)


def test_a_shared_store_is_migrated_and_rolled_back_by_hand(unmigrated_url: str) -> None:
    assert "lacks" in btstore("db", "status").out
    assert btstore("db", "migrate").err.splitlines() == [
        f"applied {name}" for name in migrations.known()
    ]
    assert btstore("db", "migrate").err == "the schema is up to date\n"
    assert btstore("history").code == 0
    for name in reversed(migrations.known()):
        assert btstore("db", "rollback", "--yes").err == f"rolled back {name}\n"
    assert btstore("db", "rollback", "--yes").code == 5


def test_a_rollback_asks_first(store_url: str) -> None:
    assert btstore("db", "rollback").code == 1
    assert btstore("history").code == 0


def test_a_shared_server_is_not_ours_to_stop(store_url: str) -> None:
    answer = btstore("db", "stop")
    assert answer.code == 2
    assert "shared" in answer.err


def test_no_output_shows_a_password(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "geheim"  # noqa: S105 - planted, to be looked for in what is printed
    monkeypatch.setenv("BTSTORE_DATABASE_URL", store_url.replace("btstore@", f"btstore:{secret}@"))
    for words in (["db", "url"], ["db", "status"]):
        answer = btstore(*words)
        assert answer.code == 0
        assert "postgresql://btstore@" in answer.out
        assert secret not in answer.out + answer.err
