"""An identical run is one of the same configuration, data, code and engine that succeeded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backtest_store.models import Record, to_json
from backtest_store.runs.duplicates import Identity, identical_to, named, stored_before
from backtest_store.store import queries
from tests.faults.runs import a_failure, a_run

PROVENANCE: dict[str, Any] = {
    "engine_version": "1.221.0",
    "source_sha256": {"/a/b.py": "22", "/a/a.py": "33"},
}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONE = a_run(started_at=NOON, sharpe_ratio=1.2345, config_hash="ab" * 32, provenance=PROVENANCE)
OTHERS: dict[str, dict[str, Any]] = {
    "configuration": {"config_hash": "cd" * 32},
    "no hash": {"config_hash": None},
    "engine": {"provenance": PROVENANCE | {"engine_version": "1.231.0"}},
    "source": {"provenance": PROVENANCE | {"source_sha256": {"/a/b.py": "22", "/a/a.py": "44"}}},
    "one source": {"provenance": PROVENANCE | {"source_sha256": {"/a/b.py": "22"}}},
    "no source": {"provenance": {"engine_version": "1.221.0"}},
    "imported": {"provenance": {"source_sha256": "none"}},
}


async def put(db: asyncpg.Connection, *runs: Record) -> None:
    for run in runs:
        await queries.insert_run(db, record=to_json(run))


def another(**changes: Any) -> Record:
    return replace(ONE, **{"run_id": uuid4(), **changes})


async def test_the_newest_is_found(db: asyncpg.Connection) -> None:
    older, newer = another(started_at=NOON - timedelta(1)), another(started_at=NOON + timedelta(1))
    await put(db, older, newer, ONE)
    found = await identical_to(db, ONE)
    assert found is not None
    assert found.run_id == newer.run_id
    assert await identical_to(db, newer) == await one(db, ONE)


async def one(db: asyncpg.Connection, run: Record) -> Record:
    (found,) = await queries.get_runs(db, run_ids=[run.run_id])
    return found


async def test_a_run_is_not_identical_to_itself(db: asyncpg.Connection) -> None:
    await put(db, ONE)
    assert await identical_to(db, ONE) is None


@pytest.mark.parametrize("difference", OTHERS)
async def test_what_differs_is_not_identical(db: asyncpg.Connection, difference: str) -> None:
    await put(db, another(**OTHERS[difference]))
    assert await identical_to(db, ONE) is None


async def test_a_source_may_have_moved(db: asyncpg.Connection) -> None:
    moved = PROVENANCE | {"source_sha256": {"/z/a.py": "33", "/y/b.py": "22"}}
    await put(db, another(provenance=moved))
    assert await identical_to(db, ONE) is not None


async def test_only_success_counts(db: asyncpg.Connection) -> None:
    same = {"config_hash": ONE.config_hash, "provenance": PROVENANCE}
    await put(db, a_failure(**same))
    assert await identical_to(db, ONE) is None
    await put(db, ONE)
    assert await identical_to(db, a_failure(**same)) is None
    assert await identical_to(db, another(reproduced_from=ONE.run_id)) is None


async def test_many_are_looked_for_at_once(db: asyncpg.Connection) -> None:
    other = another(config_hash="cd" * 32)
    await put(db, ONE, other)
    identities = [Identity.of(run) for run in (other, another(config_hash="ef" * 32), ONE, other)]
    found = await stored_before(db, [i for i in identities if i is not None])
    assert {place: run.run_id for place, run in found.items()} == {
        0: other.run_id,
        2: ONE.run_id,
        3: other.run_id,
    }
    assert await stored_before(db, []) == {}


def test_a_run_is_named_for_people() -> None:
    assert named(ONE) == f"{ONE.run_id} of 2026-01-31 12:00 UTC, Sharpe ratio 1.23"
    assert named(a_run(started_at=NOON)).endswith("Sharpe ratio undefined")
