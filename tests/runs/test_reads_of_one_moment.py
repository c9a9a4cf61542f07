"""A command that reads sees the store as it was when it began, whatever others do meanwhile."""

import asyncio

import asyncpg
import psycopg
import pytest

from backtest_store.errors import RunNotFoundError
from backtest_store.models import Record
from backtest_store.runs import listing, selectors
from backtest_store.runs.listing import Listing
from backtest_store.store import queries
from backtest_store.store.connecting.connection import call, read
from backtest_store.store.sql import Condition
from tests.factories import make_record, store_at
from tests.shell import btstore


def delete_all(url: str) -> None:
    """Delete every run, in a session of its own."""
    with psycopg.connect(url) as other:
        other.execute("DELETE FROM backtest_runs")


async def looked_up(db: asyncpg.Connection, url: str, run: Record) -> Record:
    """Find a run's id, have the run deleted, and fetch it."""
    (run_id,) = await selectors.resolve_ids(db, [str(run.run_id)])
    await asyncio.to_thread(delete_all, url)
    (found,) = await queries.get_runs(db, run_ids=[run_id])
    return found


def test_a_run_deleted_while_it_is_read_is_read_to_its_end(store_url: str) -> None:
    run = make_record()
    store_at(store_url, run)
    assert read(lambda db: looked_up(db, store_url, run)) == run
    assert btstore("show", str(run.run_id)).code == 3


def test_without_one_moment_a_run_deleted_since_is_no_run(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_record()
    store_at(store_url, run)
    found = selectors.resolve_ids

    async def then_deleted(
        db: asyncpg.Connection, runs: list[str], where: list[Condition]
    ) -> list[object]:
        ids = await found(db, runs, where)
        await asyncio.to_thread(delete_all, store_url)
        return list(ids)

    monkeypatch.setattr(selectors, "resolve_ids", then_deleted)
    with pytest.raises(RunNotFoundError, match="there is no run"):
        call(lambda db: selectors.resolve(db, str(run.run_id)))


def test_pages_are_of_one_moment(store_url: str) -> None:
    runs = [make_record() for _ in range(30)]
    store_at(store_url, *runs)

    async def pages(db: asyncpg.Connection) -> list[Record]:
        first = await listing.page(db, Listing(), 10)
        await asyncio.to_thread(delete_all, store_url)
        rest = await listing.page(db, Listing(after=first[-1]), 100)
        return [*first, *rest]

    assert len(read(pages)) == len(runs)


def test_a_command_that_reads_changes_nothing(store_url: str) -> None:
    run = make_record()
    store_at(store_url, run)
    with pytest.raises(Exception, match="read-only transaction"):
        read(lambda db: queries.delete_runs(db, run_ids=[run.run_id]))
    assert btstore("show", str(run.run_id)).code == 0
