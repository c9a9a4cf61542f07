"""A run is saved from wherever it is made, or waits in the spool; nobody is disturbed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from backtest_store import journal, models, saving, spool
from backtest_store.models import to_json
from tests.faults.runs import a_failure, a_run, an_impossible_run, stored

ROOT = Path(__file__).parents[1]
HEADER = """
import asyncio, multiprocessing, os, signal, sys, threading, time
from backtest_store import saving
from tests.faults.runs import a_run

def save(_=None):
    run = a_run()
    print(run.run_id, saving.save(run), flush=True)

async def save_async():
    run = a_run()
    print(run.run_id, await saving.save_async(run), flush=True)
"""
NO_SERVER = "postgresql://reader:hunter2@127.0.0.1:1/store"


def start(code: str, tmp_path: Path) -> "subprocess.Popen[str]":
    """Run a script in Python's development mode, which warns of all that is left open."""
    script = tmp_path / "script.py"
    script.write_text(HEADER + code)
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "ignore:This process:DeprecationWarning", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def said(code: str, tmp_path: Path) -> dict[UUID, str]:
    """Return the runs that a script saved, and what it was told of each; it makes no noise."""
    out, err = start(code, tmp_path).communicate(timeout=60)
    assert err == ""
    return {UUID(line.split()[0]): line.split()[1] for line in out.splitlines()}


SCRIPTS = {
    "plain": (3, "for _ in range(3): save()"),
    "threads": (
        12,
        """
threads = [threading.Thread(target=save) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
""",
    ),
    "inside a running loop": (
        2,
        """
async def main():
    save()
    await save_async()
asyncio.run(main())
""",
    ),
    "one loop after another": (
        4,
        """
async def main():
    await asyncio.gather(save_async(), save_async())
asyncio.run(main())
asyncio.run(main())
""",
    ),
    "forked workers": (
        9,
        """
save()
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool: pool.map(save, range(4))
save()
children = [context.Process(target=save) for _ in range(2)]
for child in children: child.start()
for child in children: child.join()
save()
""",
    ),
    "spawned workers": (
        3,
        """
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=save) for _ in range(2)]
    for child in children: child.start()
    save()
    for child in children: child.join()
""",
    ),
    "a bare fork that exits by itself": (
        3,
        """
save()
pid = os.fork()
save()
if pid: os.waitpid(pid, 0)
""",
    ),
    "a fork while a save is under way": (
        41,
        """
def many():
    for _ in range(20): save()
thread = threading.Thread(target=many)
thread.start()
for _ in range(20):
    time.sleep(0.003)
    pid = os.fork()
    if not pid:
        save()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
thread.join()
save()
""",
    ),
    "an exit function": (2, "import atexit\natexit.register(save)\nsave()"),
    "another thread while the main one ends": (1, "threading.Thread(target=save).start()"),
    "sys.exit": (1, "save()\nsys.exit(0)"),
    "no save at all": (0, ""),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_works_everywhere_and_leaves_nothing_open(
    store_url: str, tmp_path: Path, script: str
) -> None:
    expected, code = SCRIPTS[script]
    told = said(code, tmp_path)
    assert list(told.values()) == ["True"] * expected
    assert stored(store_url).keys() == told.keys()


def test_a_run_is_stored_as_it_is(store_url: str) -> None:
    run = a_failure(error_message="ÄÖ", parameters={"fast_period": 10})
    assert saving.save(run)
    assert saving.save(run), "saving again is no failure"
    assert stored(store_url) == {run.run_id: "failed"}


def test_a_note_in_the_journal_is_closed_once_the_run_is_saved(store_url: str, home: Path) -> None:
    run = a_run()
    assert saving.save(run, journal.open_entry(run))
    assert not journal.entries(home)


def test_without_a_server_a_run_waits_in_the_spool(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    run = a_run()
    start = time.monotonic()
    assert not saving.save(run, journal.open_entry(run))
    took = time.monotonic() - start
    assert 4.5 < took < 6
    (line,) = capfd.readouterr().err.splitlines()
    assert re.match(r"btstore: warning: cannot reach PostgreSQL at 127.0.0.1:1", line)
    assert f"`btstore sync` saves it (file={spool.folder_of(home)}/{run.run_id}.json)" in line
    assert "hunter2" not in line
    assert not journal.entries(home)


def test_while_the_server_is_away_further_runs_do_not_wait_for_it_nor_warn_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    saving.save(a_run())
    start = time.monotonic()
    for _ in range(5):
        assert not saving.save(a_run())
    assert time.monotonic() - start < 2
    assert len(spool.waiting(home)) == 6
    assert capfd.readouterr().err.count("\n") == 1


def gone(url: str) -> str:
    return urlsplit(url)._replace(path="/no_such_store").geturl()


def test_what_will_not_pass_by_itself_is_not_waited_for(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    start = time.monotonic()
    assert not saving.save(a_run())
    assert time.monotonic() - start < 2
    assert len(spool.waiting(home)) == 1


def test_without_a_schema_a_run_waits_for_it(
    unmigrated_url: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert unmigrated_url
    assert not saving.save(a_run())
    assert len(spool.waiting(home)) == 1
    assert "the store's schema lacks" in capfd.readouterr().err


def test_what_the_store_refuses_for_good_is_kept_with_the_reason(
    store_url: str, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad, good = an_impossible_run(), a_run()
    assert not saving.save(bad)
    assert saving.save(good)
    assert stored(store_url).keys() == {good.run_id}
    kept = spool.folder_of(home) / "rejected" / f"{bad.run_id}.reason.txt"
    assert "win_rate" in kept.read_text()
    assert f"rejected/{bad.run_id}.json" in capfd.readouterr().err


def wait_until_empty(home: Path) -> None:
    end = time.monotonic() + 10
    while saving.has_leftovers(home) and time.monotonic() < end:
        time.sleep(0.01)


def test_the_next_save_that_finds_the_store_well_empties_the_spool(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [a_run() for _ in range(20)]
    with monkeypatch.context() as trouble:
        trouble.setenv("BTSTORE_DATABASE_URL", gone(store_url))
        assert not any([saving.save(run) for run in runs[1:]])
    assert saving.save(runs[0])
    wait_until_empty(home)
    assert stored(store_url).keys() == {run.run_id for run in runs}
    assert not spool.waiting(home)


def test_a_process_that_ends_at_once_still_empties_the_spool(
    store_url: str, home: Path, tmp_path: Path
) -> None:
    waiting = [a_run() for _ in range(20)]
    for run in waiting:
        spool.add(home, run.run_id, to_json(run))
    told = said("save()", tmp_path)
    assert stored(store_url).keys() == told.keys() | {run.run_id for run in waiting}
    assert not spool.waiting(home)


def test_what_even_the_spool_does_not_take_is_kept_in_memory(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("no directory")
    runs = [a_run() for _ in range(3)]
    with monkeypatch.context() as trouble:
        trouble.setenv("BTSTORE_DATABASE_URL", gone(store_url))
        assert not any([saving.save(run) for run in runs[1:]])
    assert saving.save(runs[0])
    end = time.monotonic() + 10
    while len(stored(store_url)) < 3 and time.monotonic() < end:
        time.sleep(0.01)
    assert stored(store_url).keys() == {run.run_id for run in runs}


def test_what_is_in_memory_as_the_process_ends_goes_to_the_spool(
    store_url: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_text("no directory")
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    process = start("save()\nos.unlink(os.environ['BTSTORE_HOME'])", tmp_path)
    out, err = process.communicate(timeout=60)
    (path,) = spool.waiting(home)
    assert out == f"{path.stem} False\n"
    assert "kept in memory" in err


def terminate_all(url: str) -> None:
    """Cut off everybody else, as a restart of the server does."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_stale_pool_recovers_by_itself(store_url: str) -> None:
    runs = [a_run() for _ in range(5)]
    for run in runs:
        assert saving.save(run)
        terminate_all(store_url)
    assert stored(store_url).keys() == {run.run_id for run in runs}


def test_changing_the_store_changes_where_runs_go(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert saving.save(a_run())
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    assert not saving.save(a_run())
    assert len(stored(store_url)) == len(spool.waiting(home)) == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BTSTORE_DATABASE_URL", "mysql://u:hunter2@host"), ("BTSTORE_LOG_LEVEL", "loud")],
)
def test_a_wrong_environment_costs_no_run(
    store_url: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    assert store_url
    monkeypatch.setenv(variable, value)
    assert not saving.save(a_run())
    assert len(spool.waiting(home)) == 1
    line = capfd.readouterr().err
    assert variable in line
    assert "hunter2" not in line


NOT_JSON: dict[str, Any] = {
    "an object": object(),
    "a lone surrogate": "\ud800",
    "bytes": b"\xff",
    "a cycle": (cycle := []).append(cycle) or cycle,
}


@pytest.mark.parametrize("value", NOT_JSON)
def test_a_record_that_is_none_is_kept_all_the_same(
    store_url: str, home: Path, value: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert store_url
    run = a_run(parameters={"x": NOT_JSON[value]})
    saving.save(run)
    assert [path.stem for path in spool.waiting(home)] == [str(run.run_id)]
    assert "Traceback" not in capfd.readouterr().err


LOCKED = """
holder = __import__("psycopg").connect(os.environ["BTSTORE_DATABASE_URL"])
holder.execute("LOCK backtest_runs IN ACCESS EXCLUSIVE MODE")
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, 0.5)
"""


@pytest.mark.parametrize("call", ["save()", "asyncio.run(save_async())"])
def test_ctrl_c_neither_is_swallowed_nor_loses_the_run(
    store_url: str, home: Path, tmp_path: Path, call: str
) -> None:
    process = start(LOCKED + call, tmp_path)
    begun = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert out == ""
    assert len(spool.waiting(home)) == 1
    assert not stored(store_url)
    assert time.monotonic() - begun < 10


async def test_a_cancelled_task_saves_its_run_all_the_same(store_url: str) -> None:
    run = a_run()
    task = asyncio.create_task(saving.save_async(run))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end = time.monotonic() + 10
    while not stored(store_url) and time.monotonic() < end:
        await asyncio.sleep(0.01)
    assert stored(store_url).keys() == {run.run_id}


async def test_the_loop_goes_on_while_a_run_is_saved(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    saved = asyncio.create_task(saving.save_async(a_run()))
    longest, before = 0.0, time.monotonic()
    while not saved.done():
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest, before = max(longest, now - before), now
    assert not saved.result()
    assert len(spool.waiting(home)) == 1
    assert longest < 1


def test_a_process_holds_few_connections_and_gives_them_back(store_url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(saving.save, [a_run() for _ in range(64)]))
    with psycopg.connect(store_url) as connection:
        ours = sql.SQL(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = {} AND datname = current_database()"
        )
        (count,) = connection.execute(ours.format("btstore")).fetchone() or (0,)
    assert 1 <= count <= 4


def test_a_query_command_does_not_pay_for_saving() -> None:
    code = "import sys; from backtest_store import saving; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    assert not loaded & {"asyncpg", "tenacity", "stamina", "pydantic", "structlog", "psycopg"}
    assert models.__name__ in loaded
