"""A run whose process died is saved as interrupted, once; a run still going is not touched."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backtest_store.errors import StoreError
from backtest_store.models import Record, to_json
from backtest_store.saving import crash_journal, durable_files, run_file_format, save, spool
from backtest_store.saving.crash_journal import Process
from backtest_store.saving.sync import Counts, sync_spool
from backtest_store.store import queries
from backtest_store.store.settings import Settings
from tests.faults.runs import TRADED, a_failure, a_run, stored
from tests.shell import btstore, lines_about

FORK = multiprocessing.get_context("fork")


# A process that is in the middle of a run until it is killed.
UNDER_WAY = """
import pickle, sys
from pathlib import Path
from backtest_store.saving import crash_journal
crash_journal.open_entry(pickle.load(sys.stdin.buffer), Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""
COLLECTING = """
import sys
from pathlib import Path
from backtest_store.saving import crash_journal
print(*crash_journal.collect(Path(sys.argv[1])))
"""


@pytest.fixture
def dead(home: Path) -> Record:
    """Give a run whose process was killed in the middle of it."""
    record = a_failure(strategy_name="RSI", parameters={"period": 14})
    kill(under_way(record, home))
    return record


def python(code: str, home: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", code, str(home)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def under_way(record: Record, home: Path) -> "subprocess.Popen[bytes]":
    process = python(UNDER_WAY, home)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(pickle.dumps(record))
    process.stdin.flush()
    assert process.stdout.readline() == b"\n"
    return process


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


def note_of(home: Path, record: Record) -> Path:
    return home / "journal" / f"{record.run_id}.json"


def leave_note(home: Path, process: Process) -> Record:
    """Leave the note of a run in some process, without the lock that a live one holds."""
    record = a_run(**dict.fromkeys(TRADED))
    entry = crash_journal.open_entry(record, home)
    path = note_of(home, record)
    with path.open("rb") as file:
        note = run_file_format.read(file.fileno())
    entry.close()
    path.write_bytes(run_file_format.written(replace(note, process=vars(process))))
    path.chmod(0o600)
    return record


def test_a_run_that_ends_leaves_nothing(home: Path) -> None:
    entry = crash_journal.open_entry(a_run(), home)
    assert crash_journal.entries(home)
    entry.close()
    entry.close()
    assert not crash_journal.entries(home)
    assert not crash_journal.collect(home)


async def test_a_killed_run_is_saved_as_interrupted(
    db: asyncpg.Connection, home: Path, dead: Record
) -> None:
    assert crash_journal.collect(home) == [dead.run_id]
    assert await sync_spool(db, home, Settings.from_environment().store_name) == Counts(saved=1)
    expected = replace(dead, status="interrupted")
    assert await queries.get_runs(db, run_ids=[dead.run_id]) == [expected]
    assert not crash_journal.collect(home)
    assert not save.has_leftovers(home)


def test_a_run_still_going_is_not_touched(home: Path) -> None:
    record = a_run()
    process = under_way(record, home)
    before = note_of(home, record).read_bytes()
    assert not crash_journal.collect(home)
    assert note_of(home, record).read_bytes() == before
    kill(process)
    assert crash_journal.collect(home) == [record.run_id]


def test_a_process_that_nobody_waited_for_is_gone(home: Path) -> None:
    record = a_run()
    process = under_way(record, home)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert crash_journal.collect(home) == [record.run_id]
    process.communicate()


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
    assert crash_journal.collect(home) == ([record.run_id] if is_gone else [])
    assert note_of(home, record).exists() is not is_gone


@pytest.mark.parametrize("where", [place for place, (_, is_gone) in WHERE.items() if is_gone])
def test_a_lock_that_is_held_outweighs_every_proof(home: Path, where: str) -> None:
    record = leave_note(home, WHERE[where][0]())
    with durable_files.claimed(note_of(home, record)):
        assert not crash_journal.collect(home)
    assert crash_journal.collect(home) == [record.run_id]


def test_collectors_at_once_collect_each_run_once(home: Path) -> None:
    dead = {leave_note(home, here(pid=2**22 + 1)).run_id for _ in range(40)}
    collectors = [python(COLLECTING, home) for _ in range(4)]
    printed = [collector.communicate()[0].decode().split() for collector in collectors]
    assert [collector.returncode for collector in collectors] == [0] * 4
    assert sorted(UUID(run_id) for ids in printed for run_id in ids) == sorted(dead)
    assert {path.stem for path in spool.waiting(home)} == {str(run_id) for run_id in dead}


@pytest.mark.parametrize("state", ["whole", "unfinished"])
def test_what_the_process_could_still_spool_wins(store_url: str, home: Path, state: str) -> None:
    gone = leave_note(home, here(pid=2**22 + 1))
    path = spool.add(
        home, gone.run_id, to_json(replace(gone, **TRADED)), Settings.from_environment().store_name
    )
    if state == "unfinished":
        path.rename(path.with_name(f".{path.name}.0a1b2c3d.tmp"))
    assert not crash_journal.collect(home)
    assert asyncio.run(save.save_waiting(Settings.from_environment())) == Counts(saved=1)
    assert stored(store_url) == {gone.run_id: "success"}


def test_a_run_saved_just_before_its_process_died_is_not_saved_again(
    store_url: str, home: Path
) -> None:
    gone = leave_note(home, here(pid=2**22 + 1))
    assert save.save_record(replace(gone, **TRADED))
    end = time.monotonic() + 20  # what saves in the background may have the file meanwhile
    while save.has_leftovers(home) and time.monotonic() < end:
        counts = asyncio.run(save.save_waiting(Settings.from_environment()))
        assert (counts.saved, counts.rejected, counts.set_aside) == (0, 0, 0)
    assert not save.has_leftovers(home)
    assert stored(store_url) == {gone.run_id: "success"}


def close(entry: crash_journal.Entry) -> None:
    entry.close()


def test_a_forked_process_leaves_its_parents_note_alone(home: Path) -> None:
    record = a_run()
    entry = crash_journal.open_entry(record, home)
    child = FORK.Process(target=close, args=(entry,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert note_of(home, record).exists()
    assert not crash_journal.collect(home)
    entry.close()
    assert not crash_journal.entries(home)


ORPHAN = """
import os, sys, time
from pathlib import Path
from backtest_store.saving import crash_journal
from tests.faults.runs import a_run
crash_journal.open_entry(a_run(), Path(sys.argv[1]))
if os.fork() == 0:
    os.close(1)
    time.sleep(3)
    os._exit(0)
os.kill(os.getpid(), 9)
"""


def test_a_child_that_lives_on_does_not_keep_a_dead_run_alive(home: Path) -> None:
    subprocess.run([sys.executable, "-c", ORPHAN, home], stdout=subprocess.PIPE, check=False)
    assert len(crash_journal.collect(home)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]\n{}\n", b'{"format": 0}\n{}\n', b'{"format": 1}\n{}\n']
)
def test_what_cannot_be_read_is_set_aside(home: Path, content: bytes) -> None:
    dead = leave_note(home, here(pid=2**22 + 1))
    strange = note_of(home, a_run())
    strange.write_bytes(content)
    strange.chmod(0o600)
    assert crash_journal.collect(home) == [dead.run_id]
    assert (spool.folder_of(home) / "aside" / strange.name).read_bytes() == content


def test_a_note_that_was_never_finished_is_swept_away(home: Path) -> None:
    path = note_of(home, leave_note(home, here()))
    unfinished = path.rename(path.with_name(f".{path.name}.0a1b2c3d.tmp"))
    with durable_files.claimed(unfinished):
        assert not crash_journal.collect(home)
        assert unfinished.exists()
    assert not crash_journal.collect(home)
    assert not unfinished.exists()


def test_a_newer_version_s_note_is_left_to_that_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(run_file_format, "FORMAT", run_file_format.FORMAT + 1)
        record = leave_note(home, here(pid=2**22 + 1))
    assert not crash_journal.collect(home)
    assert note_of(home, record).exists()


def test_without_a_disk_the_backtest_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("no directory")
    crash_journal.open_entry(a_run(), home).close()
    assert len(lines_about(home, capsys.readouterr().err)) == 1


def test_a_home_that_others_may_write_to_is_refused(home: Path) -> None:
    leave_note(home, here(pid=2**22 + 1))
    home.chmod(0o777)
    with pytest.raises(StoreError, match="other users may write"):
        crash_journal.collect(home)


def test_a_note_costs_less_than_two_milliseconds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the disk's own time is not ours
    record = a_run(config_snapshot={str(i): "x" * 40 for i in range(100)})
    took = []
    for _ in range(50):
        start = time.thread_time()  # others use the machine, too
        crash_journal.open_entry(record, home).close()
        took.append(time.thread_time() - start)
    assert statistics.median(took) < 0.002


def test_the_note_says_where_the_process_runs() -> None:
    process = Process.current()
    assert (process.pid, process.host) == (os.getpid(), socket.gethostname())


def test_the_runs_of_a_machine_that_is_no_more_surface(store_url: str, home: Path) -> None:
    record = leave_note(home, here(host="web-1", **BOOTED_SINCE))
    assert btstore("sync").err == "nothing is waiting\n"
    assert "begun on web-1" in btstore("db", "status").out
    assert btstore("sync", "--abandoned").code == 0
    assert stored(store_url) == {record.run_id: "interrupted"}
    assert "web-1" not in btstore("db", "status").out


def test_a_run_under_way_here_is_not_abandoned(store_url: str, home: Path) -> None:
    record = a_run(**dict.fromkeys(TRADED))
    entry = crash_journal.open_entry(record, home)
    assert btstore("sync", "--abandoned").code == 0
    assert not stored(store_url)
    entry.close()


def test_many_dead_runs_cost_a_command_one_line_and_few_statements(
    store_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = {leave_note(home, here(pid=2**22 + 1)).run_id for _ in range(200)}
    statements: list[object] = []
    fetch = asyncpg.Pool.fetch

    async def counting(pool: asyncpg.Pool, query: str, *args: object) -> object:
        statements.append(query)
        return await fetch(pool, query, *args)

    monkeypatch.setattr(asyncpg.Pool, "fetch", counting)
    answer = btstore("history")
    assert answer.code == 0
    (note,) = answer.err.splitlines()[:1]
    assert note.startswith("note: the process of 200 runs died")
    assert len(answer.err.splitlines()) <= 2
    assert 1 <= len(statements) <= 8
    assert stored(store_url) == dict.fromkeys(dead, "interrupted")
