"""What people say of a run: changed at will, signed, gone with the run, and part of every list."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest

from backtest_store.models import Record, to_json
from backtest_store.runs import listing
from backtest_store.runs.filters import filters
from backtest_store.runs.listing import Listing
from backtest_store.store import queries, sql
from tests.factories import make_record, store, store_at
from tests.shell import btstore

OLD_FIELDS = ("starred", "name")  # that a version without annotations did not write


async def said(
    db: asyncpg.Connection, run: Record
) -> tuple[list[str], str | None, bool, str | None]:
    """Return what a list has of a run, and what the run itself has, which is the same."""
    (whole,) = await queries.get_runs(db, run_ids=[run.run_id])
    (listed,) = [r for r in await listing.page(db, Listing(), 100) if r.run_id == run.run_id]
    for found in (whole, listed):
        parts = found.tags, found.note, found.starred, found.name
    assert (whole.tags, whole.note, whole.starred, whole.name) == parts
    return parts


async def test_a_run_is_saved_with_what_is_said_of_it(db: asyncpg.Connection) -> None:
    run = make_record(tags=["b", "a"], note="why", starred=True, name="Mine")
    silent = make_record()
    await queries.insert_runs(db, records=[to_json(run), to_json(silent)])
    by_hand = make_record(tags=["a"], status="failed")
    await store(db, [by_hand, run])
    found = await queries.get_runs(db, run_ids=[run.run_id, silent.run_id, by_hand.run_id])
    assert found == [run, silent, by_hand]
    assert await db.fetchval("SELECT count(*) FROM annotations") == 2, "only what was said"


async def test_it_is_changed_part_by_part(db: asyncpg.Connection) -> None:
    run = make_record(tags=["b", "a"], note="why")
    await store(db, [run])
    ids = [run.run_id]
    assert await queries.annotate_runs(db, run_ids=ids, add=["c", "a"], remove=["b"]) == ids
    assert await said(db, run) == (["a", "c"], "why", False, None)
    await queries.annotate_runs(db, run_ids=ids, starred=True, name="Mine")
    assert await said(db, run) == (["a", "c"], "why", True, "Mine")
    await queries.annotate_runs(db, run_ids=ids, starred=False, name="", note="")
    assert await said(db, run) == (["a", "c"], None, False, None)


async def test_many_runs_are_annotated_and_those_that_are_not_there_passed_over(
    db: asyncpg.Connection,
) -> None:
    runs = [make_record(), make_record(tags=["x"])]
    await store(db, runs)
    ids = [run.run_id for run in runs]
    assert set(await queries.annotate_runs(db, run_ids=[*ids, uuid4()], add=["y"])) == {*ids}
    where = filters(tags=["y"]).conditions
    assert {run.run_id for run in await listing.page(db, Listing(where), 5)} == {*ids}


async def test_who_and_when_are_noted_by_the_database_alone(db: asyncpg.Connection) -> None:
    run = make_record(tags=["x"])
    await store(db, [run])
    await db.execute("UPDATE annotations SET annotated_by = 'someone', annotated_at = 'epoch'")
    found = await db.fetchrow("SELECT * FROM annotations WHERE run_id = $1", run.run_id)
    assert found is not None
    assert found["annotated_by"] == await db.fetchval("SELECT session_user::text")
    assert abs(found["annotated_at"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert (found["tags"], found["note"]) == (["x"], None)


async def test_it_goes_with_its_run(db: asyncpg.Connection) -> None:
    run = make_record(tags=["x"])
    await store(db, [run])
    await queries.delete_runs(db, run_ids=[run.run_id])
    assert await db.fetchval("SELECT count(*) FROM annotations") == 0


async def test_a_note_is_found_by_its_words(db: asyncpg.Connection) -> None:
    noted = make_record(note="Breakout after the news")
    await store(db, [noted, make_record(note="mean reversion"), make_record()])
    for words, found in (("breakout", 1), ("news -breakout", 0), ("news or reversion", 2)):
        where = (sql.condition("note", words),)
        assert len(await listing.page(db, Listing(where), 5)) == found, words


async def test_a_note_longer_than_postgresql_searches_is_stored(db: asyncpg.Connection) -> None:
    run = make_record(note=" ".join(str(n) for n in range(10**6)))
    await store(db, [run])
    assert await queries.get_runs(db, run_ids=[run.run_id]) == [run]


def test_it_is_exported_and_imported_and_a_file_from_before_is_read(
    store_url: str, tmp_path: Path
) -> None:
    run = make_record(tags=["a"], note="why", starred=True, name="Mine")
    store_at(store_url, run)
    file, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    assert btstore("export", str(file)).code == 0
    line = json.loads(file.read_text("utf-8"))
    line["run_id"] = str(uuid4())
    old.write_text(json.dumps({n: v for n, v in line.items() if n not in OLD_FIELDS}))
    assert btstore("delete", str(run.run_id), "--yes").code == 0
    for each in (file, old):
        assert btstore("import", str(each)).code == 0
    again = [
        json.loads(btstore("show", i, "--format", "json").out)
        for i in (str(run.run_id), line["run_id"])
    ]
    parts = [(r["tags"], r["note"], r["starred"], r["name"]) for r in again]
    assert parts == [(["a"], "why", True, "Mine"), (["a"], "why", False, None)]


@pytest.fixture
def two_taggers(store_url: str) -> tuple[str, UUID]:
    run = make_record(tags=["x"])
    store_at(store_url, run)
    return store_url, run.run_id


def test_two_who_tag_at_once_lose_nothing(two_taggers: tuple[str, UUID]) -> None:
    url, run_id = two_taggers

    async def tag(name: str) -> None:
        db = await asyncpg.connect(url)
        await queries.annotate_runs(db, run_ids=[run_id], add=[name])
        await db.close()

    async def all_at_once() -> None:
        await asyncio.gather(*(tag(f"t{n}") for n in range(8)))

    asyncio.run(all_at_once())
    with psycopg.connect(url) as owner:
        row = owner.execute("SELECT tags FROM annotations").fetchone()
    assert row is not None
    assert set(row[0]) == {"x", *(f"t{n}" for n in range(8))}
