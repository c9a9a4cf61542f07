"""A run whose process died is saved as interrupted, once; a run still going is not touched."""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from backtest_store.errors import StoreError
from backtest_store.models import Record, to_json
from backtest_store.saving import files as durable
from backtest_store.saving import journal, spool
from backtest_store.saving import save as saving
from backtest_store.saving.journal import Process
from backtest_store.store import queries
from backtest_store.store.settings import Settings
from tests.faults.runs import a_failure, a_run, stored

SPAWN = multiprocessing.get_context("spawn")
FORK = multiprocessing.get_context("fork")


def run_forever(record: Record, home: Path, started: Connection) -> None:
    journal.open_entry(record, home)
    started.send(None)
    time.sleep(60)


@pytest.fixture
def dead(home: Path) -> Record:
    """Give a run whose process was killed in the middle of it."""
    record = a_failure(strategy_name="RSI", parameters={"period": 14})
    kill(under_way(record, home))
    return record


def under_way(record: Record, home: Path) -> multiprocessing.process.BaseProcess:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=run_forever, args=(record, home, there))
    process.start()
    assert here.poll(30)
    return process


def kill(process: multiprocessing.process.BaseProcess) -> None:
    process.kill()
    process.join()


def note_of(home: Path, record: Record) -> Path:
    return home / "journal" / f"{record.run_id}.json"


def leave_note(home: Path, process: Process) -> Record:
    """Leave the note of a run in some process, without the lock that a live one holds."""
    record = a_run()
    entry = journal.open_entry(record, home)
    path = note_of(home, record)
    head, run, end = path.read_text().split("\n")
    note = json.loads(head)
    note["process"] = vars(process)
    entry.close()
    path.write_text("\n".join((json.dumps(note), run, end)))
    path.chmod(0o600)
    return record


def test_a_run_that_ends_leaves_nothing(home: Path) -> None:
    entry = journal.open_entry(a_run(), home)
    assert journal.entries(home)
    entry.close()
    entry.close()
    assert not journal.entries(home)
    assert not journal.collect(home)


async def test_a_killed_run_is_saved_as_interrupted(
    db: asyncpg.Connection, home: Path, dead: Record
) -> None:
    assert journal.collect(home) == [dead.run_id]
    assert await spool.sync(db, home) == spool.Counts(saved=1)
    expected = replace(dead, status="interrupted")
    assert await queries.get_runs(db, run_ids=[dead.run_id]) == [expected]
    assert not journal.collect(home)
    assert not saving.has_leftovers(home)


def test_a_run_still_going_is_not_touched(home: Path) -> None:
    record = a_run()
    process = under_way(record, home)
    before = note_of(home, record).read_bytes()
    assert not journal.collect(home)
    assert note_of(home, record).read_bytes() == before
    kill(process)
    assert journal.collect(home) == [record.run_id]


def test_a_process_that_nobody_waited_for_is_gone(home: Path) -> None:
    record = a_run()
    process = under_way(record, home)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert journal.collect(home) == [record.run_id]
    process.join()


def here(**changes: Any) -> Process:
    return replace(Process.current(), **changes)


BOOTED_SINCE = {"boot_id": "0"}
WHERE: dict[str, tuple[Callable[[], Process], bool]] = {
    "this very process": (here, False),
    "another one that had this id": (lambda: here(start_time="1"), True),
    "no such process": (lambda: here(pid=2**22 + 1), True),
    "this machine before it was restarted": (lambda: here(**BOOTED_SINCE), True),
    "another machine": (lambda: here(host="elsewhere", **BOOTED_SINCE), False),
    "another container": (lambda: here(pid_namespace="pid:[1]", host="c0ffee"), True),
}


@pytest.mark.parametrize("where", WHERE)
def test_only_what_is_provably_gone_is_collected(home: Path, where: str) -> None:
    process, is_gone = WHERE[where]
    record = leave_note(home, process())
    assert journal.collect(home) == ([record.run_id] if is_gone else [])
    assert note_of(home, record).exists() is not is_gone


@pytest.mark.parametrize("where", [place for place, (_, is_gone) in WHERE.items() if is_gone])
def test_a_lock_that_is_held_outweighs_every_proof(home: Path, where: str) -> None:
    record = leave_note(home, WHERE[where][0]())
    with durable.claimed(note_of(home, record)):
        assert not journal.collect(home)
    assert journal.collect(home) == [record.run_id]


def test_collectors_at_once_collect_each_run_once(home: Path) -> None:
    dead = {leave_note(home, here(pid=2**22 + 1)).run_id for _ in range(40)}
    with SPAWN.Pool(4) as pool:
        collected = [run_id for ids in pool.map(journal.collect, [home] * 4) for run_id in ids]
    assert len(collected) == len(dead)
    assert set(collected) == dead
    assert {path.stem for path in spool.waiting(home)} == {str(run_id) for run_id in dead}


@pytest.mark.parametrize("state", ["whole", "unfinished"])
def test_what_the_process_could_still_spool_wins(store_url: str, home: Path, state: str) -> None:
    gone = leave_note(home, here(pid=2**22 + 1))
    path = spool.add(home, gone.run_id, to_json(gone))
    if state == "unfinished":
        path.rename(path.with_name(f".{path.name}.0a1b2c3d.tmp"))
    assert not journal.collect(home)
    assert asyncio.run(saving.save_leftovers(Settings.from_environment())) == spool.Counts(saved=1)
    assert stored(store_url) == {gone.run_id: "success"}


def test_a_run_saved_just_before_its_process_died_is_not_saved_again(
    store_url: str, home: Path
) -> None:
    gone = leave_note(home, here(pid=2**22 + 1))
    assert saving.save(gone)
    assert asyncio.run(saving.save_leftovers(Settings.from_environment())) == spool.Counts(
        already_there=1
    )
    assert stored(store_url) == {gone.run_id: "success"}


def close(entry: journal.Entry) -> None:
    entry.close()


def test_a_forked_process_leaves_its_parents_note_alone(home: Path) -> None:
    record = a_run()
    entry = journal.open_entry(record, home)
    child = FORK.Process(target=close, args=(entry,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert note_of(home, record).exists()
    assert not journal.collect(home)
    entry.close()
    assert not journal.entries(home)


ORPHAN = """
import os, sys, time
from pathlib import Path
from backtest_store.saving import journal
from tests.faults.runs import a_run
journal.open_entry(a_run(), Path(sys.argv[1]))
if os.fork() == 0:
    os.close(1)
    time.sleep(3)
    os._exit(0)
os.kill(os.getpid(), 9)
"""


def test_a_child_that_lives_on_does_not_keep_a_dead_run_alive(home: Path) -> None:
    subprocess.run([sys.executable, "-c", ORPHAN, home], stdout=subprocess.PIPE, check=False)
    assert len(journal.collect(home)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]\n{}\n", b'{"format": 0}\n{}\n', b'{"format": 1}\n{}\n']
)
def test_what_cannot_be_read_is_set_aside(home: Path, content: bytes) -> None:
    dead = leave_note(home, here(pid=2**22 + 1))
    strange = note_of(home, a_run())
    strange.write_bytes(content)
    strange.chmod(0o600)
    assert journal.collect(home) == [dead.run_id]
    assert (spool.folder_of(home) / "aside" / strange.name).read_bytes() == content


def test_a_note_that_was_never_finished_is_swept_away(home: Path) -> None:
    path = note_of(home, leave_note(home, here()))
    unfinished = path.rename(path.with_name(f".{path.name}.0a1b2c3d.tmp"))
    with durable.claimed(unfinished):
        assert not journal.collect(home)
        assert unfinished.exists()
    assert not journal.collect(home)
    assert not unfinished.exists()


def test_a_newer_version_s_note_is_left_to_that_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(journal, "FORMAT", journal.FORMAT + 1)
        record = leave_note(home, here(pid=2**22 + 1))
    assert not journal.collect(home)
    assert note_of(home, record).exists()


def test_without_a_disk_the_backtest_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("no directory")
    journal.open_entry(a_run(), home).close()
    assert capsys.readouterr().err.count("\n") == 1


def test_a_home_that_others_may_write_to_is_refused(home: Path) -> None:
    leave_note(home, here(pid=2**22 + 1))
    home.chmod(0o777)
    with pytest.raises(StoreError, match="other users may write"):
        journal.collect(home)


def test_a_note_costs_less_than_two_milliseconds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the disk's own time is not ours
    record = a_run(config_snapshot={str(i): "x" * 40 for i in range(100)})
    took = []
    for _ in range(50):
        start = time.thread_time()  # others use the machine, too
        journal.open_entry(record, home).close()
        took.append(time.thread_time() - start)
    assert statistics.median(took) < 0.002


def test_the_note_says_where_the_process_runs() -> None:
    process = Process.current()
    assert (process.pid, process.host) == (os.getpid(), socket.gethostname())
