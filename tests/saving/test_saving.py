"""A run is saved from wherever it is made, and nobody is disturbed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from backtest_store import models
from backtest_store.capture.engine_recorder import StoreSink
from backtest_store.saving import background_saver, crash_journal, save, spool
from backtest_store.store.embedded.server import EmbeddedServer
from tests.faults.runs import a_failure, a_run, stored
from tests.faults.scripts import NO_SERVER, gone, kept, said, start
from tests.waiting import LONG, wait_until

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
        42,
        """
save()  # what is imported meanwhile, no fork survives
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
    "another thread after the main one's end": (
        2,
        """
def later():
    time.sleep(0.3)
    save()
save()
threading.Thread(target=later).start()
""",
    ),
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
    assert save.save_record(run)
    assert save.save_record(run), "saving again is no failure"
    assert stored(store_url) == {run.run_id: "failed"}


def test_a_note_in_the_journal_is_closed_once_the_run_is_saved(store_url: str, home: Path) -> None:
    run = a_run()
    assert save.save_record(run, crash_journal.open_entry(run))
    assert not crash_journal.entries(home)


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
        assert save.save_record(run)
        terminate_all(store_url)
    assert stored(store_url).keys() == {run.run_id for run in runs}


@pytest.fixture
def embedded(home: Path) -> Iterator[EmbeddedServer]:
    """Give the embedded server that the environment asks for, not running yet."""
    server = EmbeddedServer(home)
    yield server
    server.stop()


def test_an_embedded_server_is_started_while_the_backtest_runs(embedded: EmbeddedServer) -> None:
    runs = [a_run() for _ in range(2)]
    entry = StoreSink().begin(runs[0])
    wait_until(embedded.version)  # before there is anything to save
    assert save.save_record(runs[0], entry)
    pid = embedded.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert save.save_record(runs[1]), (
        "by a process of the server's that outlives it, or a new server"
    )
    assert stored(embedded.start()).keys() == {run.run_id for run in runs}


def test_changing_the_store_changes_where_runs_go(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert save.save_record(a_run())
    monkeypatch.setenv("BTSTORE_DATABASE_URL", gone(store_url))
    assert not save.save_record(a_run())
    assert len(stored(store_url)) == len(spool.waiting(home)) == 1


LOCKED = """
from backtest_store.saving import background_saver
background_saver.PATIENCE = sys.modules["backtest_store.saving.save"].LONGEST_SAVE = 300
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
    out, err = process.communicate(timeout=LONG)  # and not for as long as a save is patient here
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert out == ""
    assert len(spool.waiting(home)) == 1
    assert not stored(store_url)


@pytest.mark.parametrize("others", [0, 40], ids=["at once", "while it waits for a thread"])
async def test_a_cancelled_task_loses_no_run(store_url: str, home: Path, others: int) -> None:
    runs = [a_run() for _ in range(others + 1)]
    tasks = [asyncio.create_task(save.save_record_async(run)) for run in runs]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    assert {type(end) for end in await asyncio.gather(*tasks, return_exceptions=True)} == {
        asyncio.CancelledError
    }
    await asyncio.to_thread(wait_until, lambda: len(kept(store_url, home)) == len(runs))
    assert kept(store_url, home) == {run.run_id for run in runs}
    # What a thread had begun already is saved all the same: not while the next test runs.
    await asyncio.get_running_loop().shutdown_default_executor()


async def test_the_loop_goes_on_while_a_run_is_saved(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    monkeypatch.setattr(background_saver, "PATIENCE", 3.0)
    saved = asyncio.create_task(save.save_record_async(a_run()))
    longest, before = 0.0, time.monotonic()
    while not saved.done():
        await asyncio.sleep(0.01)
        now = time.monotonic()
        longest, before = max(longest, now - before), now
    assert not saved.result()
    assert len(spool.waiting(home)) == 1
    # A save that held the loop would hold it for all of its patience; a busy machine does a while.
    assert longest < background_saver.PATIENCE / 2


def test_a_process_holds_few_connections_and_gives_them_back(store_url: str) -> None:
    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(save.save_record, [a_run() for _ in range(64)]))
    with psycopg.connect(store_url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'btstore' AND datname = current_database()"
        ).fetchone()
    assert found is not None
    assert 1 <= found[0] <= 4


def test_a_query_command_does_not_pay_for_saving() -> None:
    code = "import sys; from backtest_store.saving import save; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    assert not loaded & {"asyncpg", "tenacity", "stamina", "pydantic", "structlog", "psycopg"}
    assert models.__name__ in loaded
