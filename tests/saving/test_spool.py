"""A run in the spool is there whole, gets into the store once, and nothing blocks its way."""

import asyncio
import json
import multiprocessing
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest_store.errors import StoreError
from backtest_store.models import Record, to_json
from backtest_store.saving import durable_files, run_file_format, spool
from backtest_store.saving.sync import Counts, sync_spool
from backtest_store.store import queries
from tests.faults.runs import a_failure, a_run, an_impossible_run, stored

HERE = "me@here:5432/store"


def add(home: Path, run: Record) -> Path:
    return spool.add(home, run.run_id, to_json(run), HERE)


def sync(url: str, home: Path) -> Counts:
    async def main() -> Counts:
        db = await asyncpg.connect(url)
        try:
            return await sync_spool(db, home, HERE)
        finally:
            await db.close()

    return asyncio.run(main())


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def names(home: Path) -> list[str]:
    root = spool.folder_of(home)
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir())


@pytest.fixture(params=[0o000, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_its_files_are_the_users_alone(home: Path) -> None:
    path = add(home, a_run())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, home):
        assert not stat.S_IMODE(folder.stat().st_mode) & 0o077


def test_a_home_that_others_may_write_to_is_refused(home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(StoreError, match="other users may write"):
        add(home, a_run())
    with pytest.raises(StoreError, match="other users may write"):
        asyncio.run(sync_spool(Store(), home, HERE))


async def test_a_run_comes_out_as_it_went_in(db: asyncpg.Connection, home: Path) -> None:
    run = a_run(parameters={"threshold": 0.1, "name": "größer"}, tags=["eurusd"], sharpe_ratio=0.1)
    add(home, run)
    assert await sync_spool(db, home, HERE) == Counts(saved=1)
    assert await queries.get_runs(db, run_ids=[run.run_id]) == [run]
    assert names(home) == []


def test_a_run_is_saved_once(store_url: str, home: Path) -> None:
    run = a_run()
    for expected in (Counts(saved=1), Counts(already_there=1)):
        add(home, run)
        assert sync(store_url, home) == expected
    assert stored(store_url) == {run.run_id: "success"}


def test_what_the_store_refuses_is_kept_with_the_reason(store_url: str, home: Path) -> None:
    bad, good = an_impossible_run(), a_run()
    content = add(home, bad).read_bytes()
    add(home, good)
    assert sync(store_url, home) == Counts(saved=1, rejected=1)
    kept = spool.folder_of(home) / "rejected" / f"{bad.run_id}.json"
    assert kept.read_bytes() == content
    assert "win_rate" in kept.with_suffix(".reason.txt").read_text()
    assert spool.holds(home, bad.run_id)
    assert sync(store_url, home) == Counts()


def test_without_a_store_everything_stays(store_url: str, home: Path) -> None:
    path = add(home, a_run())
    content = path.read_bytes()

    async def drain() -> None:
        db = await asyncpg.connect(store_url)
        db.terminate()
        await sync_spool(db, home, HERE)

    with pytest.raises(asyncpg.InterfaceError):
        asyncio.run(drain())
    assert path.read_bytes() == content
    assert sync(store_url, home) == Counts(saved=1)


class Store:
    """Take every record, and remember it: for what is about files alone."""

    def __init__(self) -> None:
        self.records: list[str] = []

    async def fetch(self, _: str, records: list[str], *_more: str) -> list[Any]:
        """Take records."""
        self.records += records
        return [(uuid4(),) for _ in records]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Record, int, int]:
    """Draw a run, and where and how its file is damaged; 256 cuts it off there."""
    text = draw(st.text(alphabet=st.characters(codec="utf-8")))
    return a_failure(error_message=text), draw(st.integers(0)), draw(st.integers(1, 256))


@settings(max_examples=40, deadline=None)
@given(damaged())
def test_a_file_that_was_damaged_anywhere_is_set_aside(damage: tuple[Record, int, int]) -> None:
    run, place, by = damage
    sound = a_run()
    with TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        path = add(home, run)
        content = bytearray(path.read_bytes())
        place %= len(content) - 1  # all but the line break at the end
        if by < 256:
            content[place] = (content[place] + by) % 256
        else:
            del content[place:]
        path.write_bytes(content)
        add(home, sound)
        store = Store()
        counts = asyncio.run(sync_spool(store, home, HERE))
        kept = [p.read_bytes() for p in path.parent.rglob("*") if p.is_file()]
    assert counts.set_aside + counts.left == len(kept), "a newer version's stays where it is"
    assert counts.saved == len(store.records) == 2 - len(kept)
    assert kept in ([], [bytes(content)])
    # Damage goes unnoticed only where it changes nothing: a blank between the header's words.
    assert set(store.records) <= {to_json(sound), to_json(run)}


foreign = st.binary() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda values: (
        st.lists(values) | st.dictionaries(st.sampled_from(["format", "sha256"]), values)
    ),
).map(lambda value: json.dumps(value).encode())


@settings(max_examples=50, deadline=None)
@given(foreign)
def test_whatever_lies_in_the_spool_is_kept_and_blocks_nothing(content: bytes) -> None:
    sound = a_run()
    with TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        add(home, sound)
        write(spool.folder_of(home) / "notes.txt", content)
        store = Store()
        counts = asyncio.run(sync_spool(store, home, HERE))
        # What calls itself a newer version's is left to that version.
        assert counts in (Counts(saved=1, set_aside=1), Counts(saved=1, left=1))
        assert store.records == [to_json(sound)]
        (kept,) = [p for p in spool.folder_of(home).rglob("notes.txt*") if p.is_file()]
        assert kept.read_bytes() == content


def link(path: Path) -> None:
    target = write(path.parent.parent / "elsewhere.json", b"{}")
    path.symlink_to(target)


def sound() -> bytes:
    """Return what a file of the spool holds, so that its owner and rights alone are strange."""
    return run_file_format.written(run_file_format.RunFile(to_json(a_run()), HERE))


def give_away(path: Path) -> None:
    write(path, sound())
    os.chown(path, 1, 1)


def open_up(path: Path) -> None:
    write(path, sound()).chmod(0o666)


def make_huge(path: Path) -> None:
    write(path, b"")
    os.truncate(path, run_file_format.LARGEST + 1)


NOT_PLAIN: dict[str, Callable[[Path], None]] = {
    "a link": link,
    "a dead link": lambda path: path.symlink_to("/nowhere"),
    "a pipe": os.mkfifo,
    "a directory": Path.mkdir,
    "another user's file": give_away,
    "a file that others may write to": open_up,
    "a huge file": make_huge,
}


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_what_is_no_plain_file_of_ours_is_set_aside(store_url: str, home: Path, kind: str) -> None:
    if kind == "another user's file" and os.geteuid():
        pytest.skip("only root can make one")
    run = a_run()
    add(home, run)
    NOT_PLAIN[kind](spool.folder_of(home) / "strange.json")
    assert sync(store_url, home) == Counts(saved=1, set_aside=1)
    assert only(spool.folder_of(home) / "aside").name == "strange.json"
    assert stored(store_url).keys() == {run.run_id}


class Overburdened(Store):
    """Give up on some records, as a server with a `statement_timeout` does."""

    def __init__(self, *too_much: Record) -> None:
        super().__init__()
        self._too_much = {to_json(run) for run in too_much}

    async def fetch(self, query: str, records: list[str], *more: str) -> list[Any]:
        """Take records, or give up."""
        if self._too_much & set(records):
            raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")
        return await super().fetch(query, records, *more)


def test_a_run_that_is_too_much_for_the_store_does_not_hold_up_the_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large, *others = [a_run() for _ in range(4)]
    for run in (large, *others):
        add(home, run)
    store = Overburdened(large)
    assert asyncio.run(sync_spool(store, home, HERE)) == Counts(saved=3, left=1)
    assert len(store.records) == 3
    assert "1 run is still waiting: canceling statement" in capsys.readouterr().err
    with pytest.raises(asyncpg.QueryCanceledError):
        asyncio.run(sync_spool(store, home, HERE))


def test_runs_that_are_too_much_for_the_store_go_behind_the_others(home: Path) -> None:
    large, others = [a_run() for _ in range(5)], [a_run() for _ in range(3)]
    for age, run in enumerate((*large, *others)):
        os.utime(add(home, run), (age, age))
    store = Overburdened(*large)
    for _ in range(2):
        with suppress(asyncpg.QueryCanceledError):
            asyncio.run(sync_spool(store, home, HERE))
    assert len(store.records) == 3


def test_two_strangers_of_one_name_are_both_kept(home: Path) -> None:
    for content in (b"one", b"two"):
        write(spool.folder_of(home) / "strange.json", content)
        assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts(set_aside=1)
    kept = (spool.folder_of(home) / "aside").iterdir()
    assert {path.read_bytes() for path in kept} == {b"one", b"two"}


def test_a_newer_version_s_file_waits_for_that_version(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    with monkeypatch.context() as newer:
        newer.setattr(run_file_format, "FORMAT", run_file_format.FORMAT + 1)
        add(home, run)
    for _ in range(2):
        assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts(left=1)
    monkeypatch.setattr(run_file_format, "FORMAT", run_file_format.FORMAT + 1)
    assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts(saved=1)


def unfinished(path: Path) -> Path:
    """Make a file look as if its writer had died just before it was done."""
    return path.rename(path.with_name(f".{path.name}.0a1b2c3d.tmp"))


def test_what_a_dying_process_wrote_whole_is_saved(store_url: str, home: Path) -> None:
    run = a_run()
    unfinished(add(home, run))
    assert sync(store_url, home) == Counts(saved=1)
    assert stored(store_url).keys() == {run.run_id}


def test_what_a_dying_process_left_torn_is_set_aside(home: Path) -> None:
    path = unfinished(add(home, a_run()))
    torn = path.read_bytes()[:-20]
    path.write_bytes(torn)
    asyncio.run(sync_spool(Store(), home, HERE))
    assert only(spool.folder_of(home) / "aside").read_bytes() == torn


def test_what_is_being_written_is_left_alone(home: Path) -> None:
    path = unfinished(add(home, a_run()))
    just_begun = write(path.with_name(".x.json.00000000.tmp"), b"")
    with durable_files.claimed(path):
        assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts()
        assert path.exists()
    assert just_begun.exists()


def test_what_another_process_is_saving_is_left_to_it(home: Path) -> None:
    path = add(home, a_run())
    with durable_files.claimed(path):
        assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts(left=1)
    assert asyncio.run(sync_spool(Store(), home, HERE)) == Counts(saved=1)


def test_processes_that_sync_at_once_share_the_work(store_url: str, home: Path) -> None:
    runs = {add(home, a_run()).stem for _ in range(60)}
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        counts = pool.starmap(sync, [(store_url, home)] * 4)
    assert sum(c.saved for c in counts) == len(runs)
    assert sum(c.rejected + c.set_aside for c in counts) == 0
    assert {str(run_id) for run_id in stored(store_url)} == runs
    assert names(home) == []


def test_a_full_disk_leaves_nothing_half_done(home: Path) -> None:
    add(home, a_run())
    before = names(home)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    try:
        with pytest.raises(OSError, match="File too large"):
            add(home, a_run())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert names(home) == before
