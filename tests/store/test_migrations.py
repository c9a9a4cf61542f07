"""Migrations go up, down and up again, and two at once are one."""

import pwd
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from backtest_store.errors import SchemaError, UnreachableError
from backtest_store.store import migrations
from backtest_store.store.sql import folder
from tests.faults import random_moments
from tests.number_of_tries import tries
from tests.shell import btstore
from tests.store.die_migrating import dying
from tests.waiting import wait_until

CATALOG = """
SELECT 'column', table_name, column_name, data_type, is_nullable
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname, prosrc, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 ORDER BY 1, 2, 3
"""


def catalog(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(CATALOG).fetchall()
    return [row for row in rows if "yoyo" not in str(row[1])]


def test_every_migration_has_its_rollback() -> None:
    for name in migrations.known():
        assert folder("migrations").joinpath(f"{name}.rollback.sql").is_file()


def test_each_step_down_and_up_restores_the_catalog(unmigrated_url: str) -> None:
    assert catalog(unmigrated_url) == []
    assert migrations.migrate(unmigrated_url) == list(migrations.known())
    whole = catalog(unmigrated_url)
    assert whole
    for name in reversed(migrations.known()):
        assert migrations.rollback(unmigrated_url) == [name]
    assert catalog(unmigrated_url) == []
    migrations.migrate(unmigrated_url)
    assert catalog(unmigrated_url) == whole


def test_migrators_at_once_apply_each_migration_once(unmigrated_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrations.migrate, [unmigrated_url] * 4))
    assert sorted(name for names in applied for name in names) == list(migrations.known())


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"newer than this version.*9999"):
        migrations.missing([*migrations.known(), "9999.from-the-future"])


def test_an_unreachable_server_is_said_to_be_so() -> None:
    with pytest.raises(UnreachableError) as raised:
        migrations.migrate("postgresql://someone:geheim@127.0.0.1:1/x")
    assert "geheim" not in f"{raised.value}{raised.value.hint}"


def test_killed_at_any_statement_it_goes_on_afterwards(unmigrated_url: str) -> None:
    """At one in sixteen of them, each time others; `make test-long` and `make test-faults` try each."""
    random_moments.begin()
    stride = partial(random_moments.chance.randint, 1, tries(30, 1))
    kills = list(dying(migrations.migrate, unmigrated_url, stride=stride))
    statements = folder("migrations").joinpath(f"{migrations.known()[0]}.sql").read_text("utf-8")
    assert kills[-1] > statements.count(";\nCREATE ") - 15
    whole = catalog(unmigrated_url)
    assert migrations.migrate(unmigrated_url) == []
    rarer = partial(random_moments.chance.randint, 1, tries(10, 1))
    assert list(dying(migrations.rollback, unmigrated_url, stride=rarer))
    assert catalog(unmigrated_url) == []
    assert migrations.migrate(unmigrated_url) == list(migrations.known())
    assert catalog(unmigrated_url) == whole


def test_a_user_without_a_name_migrates(
    unmigrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert migrations.migrate(unmigrated_url) == list(migrations.known())
    assert migrations.rollback(unmigrated_url) == [migrations.known()[-1]]


@pytest.mark.parametrize("words", [["migrate"], ["rollback", "--yes"]])
def test_nothing_is_done_to_a_newer_schema(store_url: str, words: list[str]) -> None:
    whole = catalog(store_url)
    with psycopg.connect(store_url) as owner:
        owner.execute(
            "INSERT INTO _yoyo_migration VALUES ('f', '9999.from-the-future', now()::timestamp)"
        )
    answer = btstore("db", *words)
    assert answer.code == 5, answer.err
    assert "9999.from-the-future" in answer.err
    assert catalog(store_url) == whole


def test_who_holds_the_lock_is_named(
    unmigrated_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(unmigrated_url, autocommit=True) as blocker,
    ):
        blocker.execute(folder("sql").joinpath("lock_migrations.sql").read_text("utf-8").encode())
        holder = f"role {blocker.info.user}, server process {blocker.info.backend_pid}"
        waiting = pool.submit(migrations.migrate, unmigrated_url)
        said = ""

        def is_told() -> bool:
            nonlocal said
            said += capfd.readouterr().err
            return "\n" in said

        wait_until(is_told)
        time.sleep(1)  # it goes on waiting, and says no more
        blocker.close()
        assert waiting.result() == list(migrations.known())
    assert holder in said
    assert (said + capfd.readouterr().err).count("\n") == 1
