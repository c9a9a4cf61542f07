"""A run that the store does not take is kept, and one line says so."""

import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from backtest_store.models import to_json
from backtest_store.saving import journal, saver, spool
from backtest_store.saving import save as saving
from tests.faults.runs import a_run, an_impossible_run, stored
from tests.faults.scripts import NO_SERVER, gone, said, start, wait_until_stored


def test_without_a_server_a_run_waits_in_the_spool(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    assert saver.PATIENCE == 5.0 < saving.LONGEST_SAVE
    monkeypatch.setattr(saver, "PATIENCE", 1.0)
    run = a_run()
    start = time.monotonic()
    assert not saving.save(run, journal.open_entry(run))
    assert 0.9 < time.monotonic() - start < saving.LONGEST_SAVE
    (line,) = capfd.readouterr().err.splitlines()
    assert re.match(r"btstore: warning: cannot reach PostgreSQL at 127.0.0.1:1", line)
    assert f"`btstore sync` saves it (file={spool.folder_of(home)}/{run.run_id}.json)" in line
    assert "hunter2" not in line
    assert not journal.entries(home)


def test_a_server_that_never_answers_holds_up_neither_a_save_nor_the_exit(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:hunter2@127.0.0.1:{silent.getsockname()[1]}/store"
        monkeypatch.setenv("BTSTORE_DATABASE_URL", url)
        impatient = "from backtest_store.saving import saver\nsaver.PATIENCE = 0.3\nsave()"
        process = start(impatient, tmp_path)
        out, err = process.communicate(timeout=60)
    (path,) = spool.waiting(home)
    assert (process.returncode, out) == (0, f"{path.stem} False\n")
    (line,) = err.splitlines()
    assert "the database does not answer in time" in line
    assert "hunter2" not in line


def test_while_the_server_is_away_further_runs_do_not_wait_for_it_nor_warn_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BTSTORE_DATABASE_URL", NO_SERVER)
    monkeypatch.setattr(saver, "PATIENCE", 0.5)
    saving.save(a_run())
    start = time.monotonic()
    for _ in range(5):
        assert not saving.save(a_run())
    assert time.monotonic() - start < 2
    assert len(spool.waiting(home)) == 6
    assert capfd.readouterr().err.count("\n") == 1


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
        assert [saving.save(run) for run in runs[1:]] == [False] * 19
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
        assert [saving.save(run) for run in runs[1:]] == [False] * 2
    assert saving.save(runs[0])
    wait_until_stored(store_url, 3)
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


WRONG = {"BTSTORE_DATABASE_URL": "mysql://u:hunter2@host", "BTSTORE_LOG_LEVEL": "loud"}


@pytest.mark.parametrize("variable", WRONG)
def test_a_wrong_environment_costs_no_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, WRONG[variable])
    assert not saving.save(a_run())
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
    saving.save(run)
    assert [path.stem for path in spool.waiting(home)] == [str(run.run_id)]
    assert "Traceback" not in capfd.readouterr().err
