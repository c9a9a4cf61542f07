"""A store is backed up and restored, into an embedded one and into another server, whole."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from backtest_store.store.embedded.binaries import find_binaries
from backtest_store.store.embedded.server import EmbeddedServer
from tests.factories import make_record, store_at
from tests.shell import Answer, btstore

TABLES = [
    "backtest_runs", "performance_metrics", "periods", "annotations", "deleted_trials", "shapes",
    "_yoyo_migration",
]  # fmt: skip


def done(*words: str) -> Answer:
    answer = btstore(*words)
    assert answer.code == 0, answer.err
    return answer


def url() -> str:
    return done("db", "url").out.strip()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Read every row of the store, in whatever order."""
    with psycopg.connect(url) as db:
        named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        assert {row[0] for row in db.execute(named)} >= {*TABLES}
        return {
            table: sorted(db.execute(f"SELECT t::text FROM {table} AS t").fetchall())
            for table in TABLES
        }


@pytest.fixture
def backup(home: Path, tmp_path: Path) -> Iterator[Path]:
    """Give a backup of an embedded store of several kinds of runs, which stays as it is."""
    gone = make_record()
    done("history")
    store_at(
        url(),
        gone,
        make_record(net_profit=Decimal("0.10"), parameters={"size": "10.50", "ü": [None, True]}),
        make_record(status="failed", error_message="no bars", provenance={"user": "ann"}),
        make_record(batch_id=uuid4(), batch_name="grid", engine_stats={"PnL (total)": 1.5}),
    )
    done("tag", "@latest", "+good")
    done("note", "@latest", "tighter stops")
    done("delete", str(gone.run_id), "--yes")
    assert btstore("db", "backup", str(tmp_path / "store.dump")).err == (
        f"backed up 3 runs; btstore db restore reads {tmp_path / 'store.dump'}\n"
    )
    yield tmp_path / "store.dump"
    EmbeddedServer(home).stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "fresh"
    EmbeddedServer(tmp_path / "fresh").stop()


def test_every_row_is_in_a_fresh_embedded_store(
    backup: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, runs = contents(url()), done("export", "-").out
    monkeypatch.setenv("BTSTORE_HOME", str(fresh))
    assert done("db", "restore", str(backup)).err == "restored 3 runs\n"
    assert contents(url()) == there
    assert done("export", "-").out == runs
    with psycopg.connect(url()) as db, pytest.raises(psycopg.Error, match="updated"):
        db.execute("UPDATE backtest_runs SET status = 'failed'")
    store_at(url(), make_record(engine_stats={"PnL (total)": 2.5}))
    assert len(done("history", "--all", "--format", "jsonl").out.splitlines()) == 4


def test_every_row_is_in_the_team_s_server(
    backup: Path, unmigrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BTSTORE_DATABASE_URL", raising=False)
    there, runs = contents(url()), done("export", "-").out
    monkeypatch.setenv("BTSTORE_DATABASE_URL", unmigrated_url)
    done("db", "restore", str(backup))
    assert url().partition("?")[0] == unmigrated_url.partition("?")[0]
    assert contents(unmigrated_url) == there
    assert done("export", "-").out == runs
    refused = btstore("db", "restore", str(backup))
    assert refused.code == 1
    assert "the store has runs" in refused.err
    assert contents(unmigrated_url) == there


def test_runs_move_to_a_team_s_server_that_has_some(
    backup: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BTSTORE_DATABASE_URL", raising=False)
    done("export", str(tmp_path / "runs.jsonl"))
    mine = done("export", "-").out.splitlines()
    monkeypatch.setenv("BTSTORE_DATABASE_URL", store_url)
    store_at(store_url, make_record())
    for _ in range(2):
        done("import", str(tmp_path / "runs.jsonl"))
    ours = done("export", "-").out.splitlines()
    assert {*mine} < {*ours}
    assert len(ours) == len(mine) + 1


def test_a_system_s_older_pg_dump_is_not_asked(backup: Path, tmp_path: Path) -> None:
    system = shutil.which("pg_dump")
    if system is None:
        pytest.skip("this system has no pg_dump")
    said = subprocess.run([system, "--version"], capture_output=True, text=True, check=True).stdout
    major = int((re.search(r"\d+", said) or [""])[0])
    server = EmbeddedServer(tmp_path / "home").version() or ""
    if major >= int(server.partition(".")[0]):
        pytest.skip("this system's pg_dump is new enough")
    refused = subprocess.run([system, url()], capture_output=True, text=True, check=False)
    assert "server version mismatch" in refused.stderr
    assert backup.stat().st_size > 1000


def test_what_is_no_backup_changes_nothing(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_HOME", str(fresh))
    other = tmp_path / "runs.jsonl"
    other.write_text("{}\n" * 1000)
    answer = btstore("db", "restore", str(other))
    assert answer.code == 1
    assert "does not appear to be a valid" in answer.err
    assert btstore("db", "restore", str(tmp_path / "absent")).code == 2
    assert done("history").err.startswith("no runs yet")


def test_a_password_is_in_no_command_line(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, spy = find_binaries(None, None).directory, tmp_path / "bin"
    spy.mkdir()
    for name in ("postgres", "initdb"):
        (spy / name).symlink_to(programs / name)
    (spy / "pg_dump").write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\necho "$PGPASSWORD" > {tmp_path}/password\n'
        f'exec {programs}/pg_dump "$@"\n'
    )
    (spy / "pg_dump").chmod(0o755)
    monkeypatch.setenv("BTSTORE_PG_BINDIR", str(spy))
    monkeypatch.setenv("BTSTORE_DATABASE_URL", store_url.replace("btstore@", "btstore:geheim@"))
    done("db", "backup", str(tmp_path / "store.dump"))
    assert "geheim" not in (tmp_path / "words").read_text()
    assert (tmp_path / "password").read_text() == "geheim\n"
