"""What the two roles of a shared store may do, and what they may not."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from backtest_store.models import PERIOD_FIELDS, Record, to_json
from backtest_store.saving import save, spool
from backtest_store.store import queries
from backtest_store.store.sql import folder
from tests.factories import make_record
from tests.faults.runs import a_failure, a_run, stored
from tests.shell import btstore, lines_about

DELETE = "DELETE FROM backtest_runs"
REFUSED = {
    "update a run": "UPDATE backtest_runs SET strategy_name = 'better'",
    "update metrics": "UPDATE performance_metrics SET sharpe_ratio = 9",
    "update months": "UPDATE periods SET period_returns = '{9}'",
    "alter a table": "ALTER TABLE performance_metrics ADD COLUMN luck ratio",
    "drop a table": "DROP TABLE performance_metrics",
    "truncate": "TRUNCATE backtest_runs CASCADE",
    "truncate metrics alone": "TRUNCATE performance_metrics",
    "make a table": "CREATE TABLE mine (id int)",
    "disable a trigger": "ALTER TABLE backtest_runs DISABLE TRIGGER ALL",
    "forget a migration": "DELETE FROM _yoyo_migration",
}
TABLES = (
    "backtest_runs",
    "performance_metrics",
    "periods",
    "annotations",
    "deleted_trials",
    "shapes",
    "_yoyo_migration",
    "_yoyo_log",
    "_yoyo_version",
)
STATEMENTS = {
    "insert": "INSERT INTO {0} SELECT * FROM {0} WHERE false",
    "update": "UPDATE {0} SET {1} = {1}",
    "upsert": "INSERT INTO {0} SELECT * FROM {0} ON CONFLICT ON CONSTRAINT {0}_pkey"
    " DO UPDATE SET {1} = excluded.{1}",
    "delete": "DELETE FROM {0}",
    "truncate": "TRUNCATE {0} CASCADE",
    "merge": "MERGE INTO {0} USING (SELECT) AS x ON true WHEN MATCHED THEN DELETE",
    "lock rows": "SELECT FROM {0} FOR UPDATE",
    "add a trigger": "CREATE TRIGGER mine BEFORE INSERT ON {0} EXECUTE FUNCTION refuse_update()",
    "add an index": "CREATE INDEX mine ON {0} ({1})",
    "alter": "ALTER TABLE {0} DISABLE TRIGGER ALL",
    "drop": "DROP TABLE {0} CASCADE",
}
ALLOWED = {
    "reader": set[tuple[str, str]](),
    "writer": {
        ("insert", "backtest_runs"),
        ("delete", "backtest_runs"),
        ("merge", "backtest_runs"),
        ("insert", "performance_metrics"),
        ("insert", "periods"),
        ("insert", "annotations"),
        ("update", "annotations"),
        ("upsert", "annotations"),
        ("lock rows", "annotations"),
    },
}
TRICKS = {
    "make a table": "CREATE TABLE public.mine (id int)",
    "make a function": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1",
    "replace a function": "CREATE OR REPLACE FUNCTION refuse_update() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "let a function look elsewhere": "ALTER FUNCTION count_deleted_trial() RESET search_path",
    "make a schema": "CREATE SCHEMA mine",
    "skip triggers": "SET session_replication_role = replica",
    "widen a domain": "ALTER DOMAIN ratio DROP CONSTRAINT ratio_is_finite",
}
INSERT = "INSERT INTO performance_metrics SELECT * FROM performance_metrics WHERE false"


def definition(role: str, name: str) -> str:
    """Return the SQL that makes a role, under a name that no test beside this one uses."""
    text = folder("sql").joinpath(f"roles/{role}.sql").read_text("utf-8")
    assert f"btstore_{role}" in text
    return text.replace(f"btstore_{role}", name)


async def put(url: str, run: Record) -> None:
    """Store a run as the owner, with nothing of it left in this process."""
    connection = await asyncpg.connect(url)
    await queries.insert_run(connection, record=to_json(run))
    await connection.close()


@pytest.fixture(params=["reader", "writer"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def user(store_url: str, role: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make the role, a run that it finds, and a store URL whose every session is the role's."""
    asyncio.run(put(store_url, a_run()))
    name = f"{role}_{uuid4().hex}"
    with psycopg.connect(store_url, autocommit=True) as owner:
        owner.execute(definition(role, name).encode())
    url = f"{store_url}&options=-c%20role%3D{name}"
    monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
    yield url
    with psycopg.connect(store_url, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(name)))


def refuses(user: str, statement: str) -> bool:
    try:
        with psycopg.connect(user) as session:
            session.execute(statement.encode())
    except InsufficientPrivilege:
        return True
    return False


def test_neither_role_changes_what_is_stored(user: str) -> None:
    assert [what for what, statement in REFUSED.items() if not refuses(user, statement)] == []


def test_both_roles_read(user: str) -> None:
    for words in (["history"], ["show", "@latest"], ["db", "status"], ["strategies"]):
        answer = btstore(*words)
        assert answer.code == 0, answer.err
        assert answer.out


@pytest.mark.parametrize("role", ["writer"])
def test_a_writer_saves_and_deletes(user: str) -> None:
    run = a_run()
    assert save.save_record(run)
    assert len(stored(user)) == 2
    assert save.save_record(run), "saving again is no failure"
    assert btstore("delete", str(run.run_id), "--yes").code == 0
    assert len(stored(user)) == 1
    with psycopg.connect(user) as session:
        assert session.execute("SELECT count(*) FROM performance_metrics").fetchone() == (1,)


@pytest.mark.parametrize("role", ["reader"])
def test_a_reader_saves_nothing_and_is_told_so(
    user: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not save.save_record(a_run())
    (line,) = lines_about(home, capfd.readouterr().err)
    assert "you may only read here; ask for btstore_writer" in line
    assert len(spool.waiting(home)) == 1, "for when the role may"
    answer = btstore("delete", "@latest", "--yes")
    assert answer.code == 1
    assert re.match(r"error: you may only read in this store: permission denied", answer.err)
    assert answer.err.splitlines()[1] == "hint: ask its owner for the role btstore_writer"
    assert "Traceback" not in answer.err
    assert len(stored(user)) == 1
    assert refuses(user, DELETE)
    assert refuses(user, INSERT)


def test_who_has_no_role_is_told_whom_to_ask(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"stranger_{uuid4().hex}"
    with psycopg.connect(store_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name}".encode())
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"{store_url}&options=-c%20role%3D{name}")
    answer = btstore("history")
    with psycopg.connect(store_url, autocommit=True) as owner:
        owner.execute(f"DROP ROLE {name}".encode())
    assert answer.code == 1
    assert answer.err.startswith("error: you have no role in this store: permission denied")
    assert "GRANT btstore_reader TO your_user" in answer.err


@pytest.mark.parametrize("what", ["update a run", "update metrics"])
def test_not_even_the_owner_updates(store_url: str, what: str) -> None:
    asyncio.run(put(store_url, a_run()))
    with psycopg.connect(store_url) as owner, pytest.raises(psycopg.Error, match="never updated"):
        owner.execute(REFUSED[what].encode())


def columns(url: str) -> dict[str, str]:
    """Return the key of each table, as the owner sees it."""
    with psycopg.connect(url) as owner:
        keys = owner.execute(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
        ).fetchall()
    return dict(keys)


def test_each_role_does_what_it_may_to_each_table_and_no_more(
    user: str, store_url: str, role: str
) -> None:
    keys = columns(store_url)
    done = {
        (what, table)
        for table in TABLES
        for what, statement in STATEMENTS.items()
        if not refuses(user, statement.format(table, keys[table]))
    }
    assert done == ALLOWED[role]
    assert [what for what, statement in TRICKS.items() if not refuses(user, statement)] == []


def test_every_table_of_the_store_is_tried(store_url: str) -> None:
    assert set(columns(store_url)) == set(TABLES)


@pytest.mark.parametrize("role", ["writer"])
def test_a_writer_gives_no_metrics_to_a_stored_run(user: str, store_url: str) -> None:
    failed = a_failure()
    asyncio.run(put(store_url, failed))
    forged = sql.SQL(
        "{} INSERT INTO performance_metrics (run_id, equity_basis, engine_stats, warnings)"
        " SELECT run_id, 'balance', '{{}}', '{{}}' FROM public.backtest_runs AS r WHERE NOT EXISTS"
        " (SELECT FROM performance_metrics AS m WHERE m.run_id = r.run_id)"
    )
    shadow = sql.SQL("CREATE TEMP TABLE backtest_runs AS SELECT * FROM backtest_runs WHERE false;")
    for before in (sql.SQL(""), shadow):
        with psycopg.connect(user) as session, pytest.raises(psycopg.Error, match="or never"):
            session.execute(forged.format(before))


@pytest.mark.parametrize("role", ["writer"])
def test_a_writer_gives_no_months_to_a_stored_run(user: str, store_url: str) -> None:
    asyncio.run(
        put(store_url, make_record(**dict.fromkeys(("period", "period_start", *PERIOD_FIELDS))))
    )
    forged = (
        "INSERT INTO periods (run_id, period, period_start, period_returns)"
        " SELECT run_id, 'day', '2020-01-01', '{9}' FROM performance_metrics AS m"
        " WHERE NOT EXISTS (SELECT FROM periods AS p WHERE p.run_id = m.run_id)"
    )
    with psycopg.connect(user) as session, pytest.raises(psycopg.Error, match="or never"):
        session.execute(forged.encode())


@pytest.mark.parametrize("role", ["writer"])
def test_no_temporary_table_hides_a_run_or_its_deletion(user: str, store_url: str) -> None:
    with psycopg.connect(user) as session:
        for table in ("deleted_trials", "performance_metrics"):
            session.execute(f"CREATE TEMP TABLE {table} AS TABLE public.{table}".encode())
        session.execute(b"SET search_path = pg_temp, public")
        session.execute(b"DELETE FROM public.backtest_runs")
    with psycopg.connect(store_url) as owner:
        left = owner.execute("SELECT count(*) FROM deleted_trials").fetchone()
    assert left == (1,)


def test_roles_are_made_and_renewed(store_url: str) -> None:
    with psycopg.connect(store_url, autocommit=True) as owner:
        assert btstore("db", "roles").code == 0
        owner.execute("GRANT DELETE ON performance_metrics TO btstore_writer")
        answer = btstore("db", "roles")
        assert answer.code == 0, answer.err
        assert "btstore_reader and btstore_writer" in answer.err
        may = owner.execute(
            "SELECT has_table_privilege('btstore_writer', 'performance_metrics', 'DELETE'),"
            " has_table_privilege('btstore_writer', 'performance_metrics', 'INSERT'),"
            " has_table_privilege('btstore_reader', 'backtest_runs', 'SELECT')"
        ).fetchone()
    assert may == (False, True, True)
