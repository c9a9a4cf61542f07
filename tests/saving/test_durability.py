"""What is written outlasts a power cut, in the one order that makes it so; seen by traced calls."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from backtest_store.models import to_json
from backtest_store.saving import crash_journal, durable_files, run_file_format, save, spool
from backtest_store.store.settings import Settings
from tests.faults.runs import a_run
from tests.faults.scripts import NO_SERVER

Trace = list[tuple[str, str]]


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """Note what is flushed and moved, and in which order."""
    calls: Trace = []
    fsync, replace, rename, unlink = os.fsync, Path.replace, Path.rename, Path.unlink

    def flushed(file: int) -> None:
        calls.append(("flush", Path(os.readlink(f"/proc/self/fd/{file}")).name))  # noqa: PTH115
        fsync(file)

    def replaced(path: Path, target: Any) -> Any:
        calls.append(("move", Path(target).name))
        return replace(path, target)

    def renamed(path: Path, target: Any) -> Any:
        calls.append(("move", Path(target).name))
        return rename(path, target)

    def unlinked(path: Path, **named: Any) -> None:
        calls.append(("delete", path.name))
        unlink(path, **named)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(Path, "unlink", unlinked)
    return calls


def test_a_file_is_flushed_before_it_is_in_place_and_its_folder_after(
    home: Path, trace: Trace
) -> None:
    run = a_run()
    spool.add(home, run.run_id, to_json(run), None)
    trace.clear()
    other = a_run()
    path = spool.add(home, other.run_id, to_json(other), None)
    (first, name), (second, target), (third, folder) = trace
    assert (first, second, third) == ("flush", "move", "flush")
    assert name.startswith(f".{path.name}.")
    assert target == path.name
    assert folder == "spool"


def test_a_file_is_kept_if_only_its_folder_cannot_be_flushed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    durable_files.make_folder(spool.folder_of(home))
    fsync = os.fsync

    def refused(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError("Input/output error")
        fsync(file)

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(OSError, match="Input/output error"):
        spool.add(home, run.run_id, to_json(run), None)
    (kept,) = spool.folder_of(home).iterdir()
    with durable_files.claimed(kept) as file:
        assert run_file_format.read(file).record == to_json(run)


def test_a_new_spool_s_own_folders_are_flushed(home: Path, trace: Trace) -> None:
    run = a_run()
    spool.add(home, run.run_id, to_json(run), None)
    flushed = [name for what, name in trace if what == "flush"]
    assert {"home", "spool"} <= set(flushed)


def test_what_is_moved_is_flushed_where_it_goes_and_where_it_came_from(
    home: Path, trace: Trace
) -> None:
    run = a_run()
    path = spool.add(home, run.run_id, to_json(run), None)
    (home / "spool" / "aside").mkdir(mode=0o700)
    trace.clear()
    durable_files.move(path, home / "spool" / "aside")
    assert trace[-3:] == [("move", path.name), ("flush", "aside"), ("flush", "spool")]


def test_a_rejected_run_s_reason_is_there_before_it(home: Path, trace: Trace) -> None:
    run = a_run()
    path = spool.add(home, run.run_id, to_json(run), None)
    trace.clear()
    spool.reject(path, "no reason")
    moves = [name for what, name in trace if what == "move"]
    assert moves == [f"{run.run_id}.reason.txt", path.name]
    assert trace[-2:] == [("flush", "rejected"), ("flush", "spool")]


def test_a_note_is_closed_only_once_its_run_is_in_the_spool(
    home: Path, monkeypatch: pytest.MonkeyPatch, trace: Trace
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    monkeypatch.setattr("backtest_store.saving.background_saver.PATIENCE", 0.3)
    run = a_run()
    entry = crash_journal.open_entry(run)
    trace.clear()
    assert not save.save_record(run, entry)
    name = f"{run.run_id}.json"
    assert trace.index(("move", name)) < trace.index(("flush", "spool"))
    assert trace.index(("flush", "spool")) < trace.index(("delete", name))


def test_a_note_stays_while_neither_the_database_nor_the_spool_has_its_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    monkeypatch.setattr("backtest_store.saving.background_saver.PATIENCE", 0.3)
    run = a_run()
    entry = crash_journal.open_entry(run)
    (home / "spool").write_text("no folder")
    assert not save.save_record(run, entry)
    assert len(crash_journal.entries(home)) == 1


def test_a_dead_run_s_note_becomes_its_spool_file_in_one_move(home: Path, trace: Trace) -> None:
    from tests.saving.test_crash_journal import here, leave_note  # what makes notes of the dead

    gone = leave_note(home, here(pid=2**22 + 1))
    trace.clear()
    assert crash_journal.collect(home) == [gone.run_id]
    name = f"{gone.run_id}.json"
    assert ("delete", name) not in trace
    assert trace[-3:] == [("move", name), ("flush", "spool"), ("flush", "journal")]
    assert Settings.from_environment().home == home
