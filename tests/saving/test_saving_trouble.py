"""A run that the store does not take is kept, and one line says so."""

import asyncio
import gc
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from backtest_store.models import Record, to_json
from backtest_store.saving import (
    background_saver,
    crash_journal,
    durable_files,
    run_file_format,
    save,
    spool,
    sync,
)
from backtest_store.saving.run_file_format import RunFile
from backtest_store.saving.sync import Counts
from backtest_store.store.settings import Settings
from tests.factories import store_at
from tests.faults.runs import a_run, an_impossible_run, stored
from tests.faults.scripts import NO_SERVER, gone, said, start
from tests.shell import btstore, lines_about
from tests.waiting import LONG, wait_until


def give_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a save wait longer than any busy machine takes, if it waits at all."""
    monkeypatch.setattr(background_saver, "PATIENCE", 60)
    monkeypatch.setattr(save, "LONGEST_SAVE", 61)


def test_without_a_server_a_run_waits_in_the_spool(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    assert background_saver.PATIENCE == 5.0 < save.LONGEST_SAVE
    monkeypatch.setattr(background_saver, "PATIENCE", 1.0)
    monkeypatch.setattr(save, "LONGEST_SAVE", 60)
    run = a_run()
    start = time.monotonic()
    assert not save.save_record(run, crash_journal.open_entry(run))
    assert 0.9 < time.monotonic() - start < save.LONGEST_SAVE
    (line,) = lines_about(home, capfd.readouterr().err)
    assert re.match(r"btstore: warning: cannot reach PostgreSQL at 127.0.0.1:1", line)
    assert f"`btstore sync` saves it (file={spool.folder_of(home)}/{run.run_id}.json)" in line
    assert "hunter2" not in line
    assert not crash_journal.entries(home)


def test_a_server_that_never_answers_holds_up_neither_a_save_nor_the_exit(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:hunter2@127.0.0.1:{silent.getsockname()[1]}/store"
        monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
        impatient = "from backtest_store.saving import background_saver\nbackground_saver.PATIENCE = 0.3\nsave()"
        process = start(impatient, tmp_path)
        out, err = process.communicate(timeout=LONG)
    (path,) = spool.waiting(home)
    assert (process.returncode, out) == (0, f"{path.stem} False\n")
    (line,) = err.splitlines()
    assert "the database does not answer in time" in line
    assert "hunter2" not in line


def test_while_the_server_is_away_further_runs_do_not_wait_for_it_nor_warn_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    monkeypatch.setattr(background_saver, "PATIENCE", 0.5)
    save.save_record(a_run())
    give_time(monkeypatch)
    start = time.monotonic()
    for _ in range(5):
        assert not save.save_record(a_run())
    assert time.monotonic() - start < background_saver.PATIENCE
    assert len(spool.waiting(home)) == 6
    assert len(lines_about(home, capfd.readouterr().err)) == 1


def test_another_store_has_its_whole_time_though_the_last_was_away(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
        away.setattr(background_saver, "PATIENCE", 0.3)
        assert not save.save_record(a_run())
    give_time(monkeypatch)
    with psycopg.connect(store_url) as holder:
        holder.execute("LOCK backtest_runs IN ACCESS EXCLUSIVE MODE")
        threading.Timer(2 * background_saver.LITTLE_PATIENCE, holder.rollback).start()
        assert save.save_record(a_run())


def test_a_store_that_was_away_has_its_whole_time_again_after_a_while(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it was asked meanwhile: it may be one that is slow to let in."""
    monkeypatch.setattr(background_saver, "AWAY_FOR", 2.0)
    monkeypatch.setattr(background_saver, "LITTLE_PATIENCE", 0.3)
    monkeypatch.setattr(background_saver, "PATIENCE", 0.3)
    with psycopg.connect(store_url) as holder:
        holder.execute(SLOW)
        assert not save.save_record(a_run())
        over = time.monotonic() + background_saver.AWAY_FOR
        assert not save.save_record(a_run())
        assert not save.save_record(a_run())
        time.sleep(max(over - time.monotonic(), 0))
        give_time(monkeypatch)
        threading.Timer(1.0, holder.close).start()
        assert save.save_record(a_run())


def test_what_will_not_pass_by_itself_is_not_waited_for(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    give_time(monkeypatch)
    start = time.monotonic()
    assert not save.save_record(a_run())
    assert time.monotonic() - start < background_saver.PATIENCE
    assert len(spool.waiting(home)) == 1


def test_without_a_schema_a_run_waits_for_it(
    unmigrated_url: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert unmigrated_url
    assert not save.save_record(a_run())
    assert len(spool.waiting(home)) == 1
    assert "the store's schema lacks" in capfd.readouterr().err


def test_what_the_store_refuses_for_good_is_kept_with_the_reason(
    store_url: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad, good = an_impossible_run(), a_run()
    assert not save.save_record(bad)
    assert save.save_record(good)
    assert stored(store_url).keys() == {good.run_id}
    kept = spool.folder_of(home) / "rejected" / f"{bad.run_id}.reason.txt"
    assert "win_rate" in kept.read_text()
    assert f"rejected/{bad.run_id}.json" in capfd.readouterr().err


def test_the_next_save_that_finds_the_store_well_empties_the_spool(
    store_url: str, home: Path
) -> None:
    runs = [a_run() for _ in range(20)]
    for run in runs[1:]:
        spool.add(home, run.run_id, to_json(run), Settings.from_environment().store_name)
    assert save.save_record(runs[0])
    wait_until(lambda: not save.has_leftovers(home))
    assert stored(store_url).keys() == {run.run_id for run in runs}
    assert not spool.waiting(home)


PARTS_SLOWLY = """
from backtest_store.saving import background_saver
background_saver.PARTING, background_saver.LONGEST_EXIT = 60, 61  # a busy machine takes more than 1 s
"""


def test_a_process_that_ends_at_once_still_empties_the_spool(
    store_url: str, home: Path, tmp_path: Path
) -> None:
    waiting = [a_run() for _ in range(20)]
    for run in waiting:
        spool.add(home, run.run_id, to_json(run), Settings.from_environment().store_name)
    told = said(PARTS_SLOWLY + "save()", tmp_path)
    assert stored(store_url).keys() == told.keys() | {run.run_id for run in waiting}
    assert not spool.waiting(home)


def test_what_even_the_spool_does_not_take_is_kept_in_memory(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("no directory")
    mine, another, last = a_run(), a_run(), a_run()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("BTSTORE_DATABASE_URL", gone(store_url))
        assert not save.save_record(another)
    with turned_away(store_url), monkeypatch.context() as brief:
        brief.setattr(background_saver, "PATIENCE", 0.5)
        assert not save.save_record(mine)
    assert save.save_record(last)
    wait_until(lambda: len(stored(store_url)) == 2)
    # Not the one that was meant for another store.
    assert stored(store_url).keys() == {mine.run_id, last.run_id}


@contextmanager
def turned_away(url: str) -> Iterator[None]:
    """Have a store take no connections."""
    parts = urlsplit(url)
    name = parts.path[1:]
    administrator = psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True)
    with administrator:
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_what_the_driver_leaves_behind_is_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def close() -> None:
        raise BrokenPipeError

    async def lose_a_connection() -> None:
        closing = asyncio.create_task(close())  # and never ask, as asyncpg does of expired ones
        await asyncio.wait({closing})

    thread = background_saver.Saver()
    thread._start(lose_a_connection()).result()
    thread._start(asyncio.to_thread(gc.collect)).result()
    thread.close()
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_what_is_in_memory_as_the_process_ends_goes_to_the_spool(
    store_url: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("no directory")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    process = start("save()\nos.unlink(os.environ['BTSTORE_HOME'])", tmp_path)
    out, err = process.communicate(timeout=LONG)
    (path,) = spool.waiting(home)
    assert out == f"{path.stem} False\n"
    assert "held in memory until exit" in err


WRONG = {"BTSTORE_DATABASE_URL": "mysql://u:hunter2@host", "BTSTORE_LOG_LEVEL": "loud"}


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_environment_costs_no_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, WRONG[variable])
    assert not save.save_record(a_run())
    assert len(spool.waiting(home)) == 1
    line = capfd.readouterr().err
    assert variable in line
    assert "hunter2" not in line


CYCLE: list[Any] = []

CYCLE.append(CYCLE)

NOT_JSON: dict[str, Any] = {
    "an object": object(),
    "a lone surrogate": "\ud800",
    "bytes": b"\xff",
    "a cycle": CYCLE,
}


@pytest.mark.parametrize("value", NOT_JSON)
def test_a_record_that_is_none_is_kept_all_the_same(
    store_url: str, home: Path, value: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert store_url
    run = a_run(parameters={"x": NOT_JSON[value]})
    save.save_record(run)
    assert [path.stem for path in spool.waiting(home)] == [str(run.run_id)]
    assert "Traceback" not in capfd.readouterr().err


SLOW = "LOCK backtest_runs IN ACCESS EXCLUSIVE MODE"


NOTED = """
from backtest_store.saving import crash_journal, background_saver
background_saver.PATIENCE = sys.modules["backtest_store.saving.save"].LONGEST_SAVE = 300
def save_noted():
    run = a_run()
    save_record(run, crash_journal.open_entry(run))
save_noted()
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_over_survives_a_kill_while_the_database_is_slow(
    store_url: str, home: Path, tmp_path: Path, by: signal.Signals
) -> None:
    assert background_saver.AT_ONCE == 0.2
    with psycopg.connect(store_url) as holder:
        process = start(NOTED, tmp_path)
        holder.execute(SLOW)
        wait_until(lambda: len(spool.waiting(home)) == 1)
        wait_until(lambda: not crash_journal.entries(home))  # its note is closed once it is on disk
        process.send_signal(by)
        process.communicate(timeout=LONG)
    assert asyncio.run(save.save_waiting(Settings.from_environment())) == Counts(saved=1)
    (status,) = stored(store_url).values()
    assert status == "success"


def test_what_is_answered_late_leaves_nothing_in_the_spool(store_url: str, home: Path) -> None:
    assert save.save_record(a_run())
    with psycopg.connect(store_url) as holder:
        holder.execute(SLOW)
        run = a_run()
        with ThreadPoolExecutor() as thread:
            saving = thread.submit(save.save_record, run, crash_journal.open_entry(run))
            wait_until(lambda: len(spool.waiting(home)) == 1)
            holder.rollback()
            assert saving.result(LONG), "the database has it"
    assert not save.has_leftovers(home)
    assert run.run_id in stored(store_url)


def test_what_is_answered_at_once_never_touches_the_spool(store_url: str, home: Path) -> None:
    assert save.save_record(a_run())
    assert not spool.folder_of(home).exists()


def test_a_save_keeps_its_pool_while_an_earlier_one_finishes_elsewhere(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_saver, "AT_ONCE", 60)
    monkeypatch.setattr(background_saver, "BEFORE_LEFTOVERS", 0.3)
    assert save.save_record(a_run())
    monkeypatch.setenv("BTSTORE_DATABASE_URL", f"{store_url}&connect_timeout=9")
    with psycopg.connect(store_url) as holder, ThreadPoolExecutor() as thread:
        holder.execute(SLOW)
        saving = thread.submit(save.save_record, a_run())
        time.sleep(1)  # meanwhile the first save looks for what waits
        holder.rollback()
        assert saving.result(LONG)
    assert not spool.folder_of(home).exists()


def test_nobody_waits_for_what_is_meant_for_another_store(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = a_run()
    with monkeypatch.context() as away:
        away.setenv("BTSTORE_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/team")
        away.setattr(background_saver, "PATIENCE", 0.3)
        assert not save.save_record(team)
    mine = a_run()
    spool.add(home, mine.run_id, to_json(mine), Settings.from_environment().store_name)
    private = a_run()
    assert save.save_record(private)
    here = Settings.from_environment()
    # As soon as the thread that saves has let go of the file, which it looks at as well.
    wait_until(lambda: asyncio.run(save.save_waiting(here)) == Counts(elsewhere=1))
    assert stored(store_url).keys() == {private.run_id, mine.run_id}
    status = btstore("db", "status").out
    assert re.search(r"waiting for me@127\.0\.0\.1:1/team +1$", status, re.MULTILINE)
    assert "hunter2" not in status + next(spool.folder_of(home).glob("*.json")).read_text()


def test_a_store_that_is_away_does_not_hide_what_waits(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    run = a_run()
    spool.add(home, run.run_id, to_json(run), Settings.from_environment().store_name)
    answer = btstore("db", "status")
    assert answer.code == 4
    assert "btstore sync" in answer.out


def test_sync_to_saves_what_was_meant_for_another_store(store_url: str, home: Path) -> None:
    run = a_run()
    spool.add(home, run.run_id, to_json(run), "me@elsewhere:5432/team")
    answer = btstore("sync")
    assert (answer.code, answer.err.startswith("1 waiting for another store")) == (0, True)
    assert not stored(store_url)
    assert btstore("sync", "--to", store_url).code == 0
    assert stored(store_url).keys() == {run.run_id}


@pytest.mark.parametrize(
    "to", ["postgresql://me:hunter2@host/db", "postgresql://host/db?password=hunter2", "here"]
)
def test_sync_to_takes_no_password_and_no_nonsense(store_url: str, to: str) -> None:
    answer = btstore("sync", "--to", to)
    assert answer.code == 2
    assert "hunter2" not in answer.err


def test_a_deleted_run_does_not_come_back(store_url: str, home: Path) -> None:
    run = a_run()
    store_at(store_url, run)  # by no thread of ours that would look for what waits, and take it
    crash_journal.open_entry(run)
    spool.add(home, run.run_id, to_json(run), Settings.from_environment().store_name)
    assert btstore("delete", str(run.run_id), "--yes").code == 0
    assert not save.has_leftovers(home)
    btstore("sync")
    assert not stored(store_url)


@contextmanager
def held(home: Path, run: Record) -> Iterator[None]:
    """Have a run in the spool whose file another process is busy with, from the first."""
    record = RunFile(to_json(run), Settings.from_environment().store_name)
    path = spool.path_of(home, run.run_id)
    file = durable_files.write_whole(path, run_file_format.written(record))
    try:
        yield
    finally:
        durable_files.release(file)


def test_a_run_that_is_deleted_while_a_sync_saves_it_does_not_come_back(
    store_url: str, home: Path
) -> None:
    run = a_run()
    assert save.save_record(run)
    with ThreadPoolExecutor() as thread:
        with held(home, run):  # as a sync in another process has read it by now
            deleting = thread.submit(btstore, "delete", str(run.run_id), "--yes")
            wait([deleting], timeout=1)
            assert save.save_record(run)
        assert deleting.result(LONG).code == 0
    assert not stored(store_url)
    assert not spool.waiting(home)


def test_a_deletion_waits_but_once_and_says_for_what(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "LONGEST_CLAIM", 0.2)
    runs = [a_run() for _ in range(10)]
    ids = {str(run.run_id) for run in runs}
    with ExitStack() as files:
        for run in runs:
            assert save.save_record(run)
            files.enter_context(held(home, run))  # as by a process that was stopped
        answer = btstore("delete", *ids, "--yes")
    assert answer.code == 1
    assert "another process is still saving a run that is to be deleted" in answer.err
    assert any(run_id in answer.err for run_id in ids)
    assert {str(run_id) for run_id in stored(store_url)} == ids


BAD_RECORDS: dict[str, dict[str, Any]] = {
    "tags in tags": {"tags": [["a"]]},
    "a time that is another one each day": {"started_at": "now"},
    "a time after the year 9999": {"start_date": "12026-01-01T00:00:00+00:00"},
}


@pytest.mark.parametrize("kind", BAD_RECORDS)
def test_a_bad_record_in_the_spool_is_rejected_and_hinders_no_other(
    store_url: str, home: Path, kind: str
) -> None:
    good, bad = a_run(), a_run()
    here = Settings.from_environment().store_name
    spool.add(home, bad.run_id, json.dumps(json.loads(to_json(bad)) | BAD_RECORDS[kind]), here)
    spool.add(home, good.run_id, to_json(good), here)
    counts = asyncio.run(save.save_waiting(Settings.from_environment()))
    assert counts == Counts(saved=1, rejected=1)
    reason = spool.folder_of(home) / "rejected" / f"{bad.run_id}.reason.txt"
    assert next(iter(BAD_RECORDS[kind])) in reason.read_text()
