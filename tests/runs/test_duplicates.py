"""An identical run is one of the same configuration, data, code and engine that succeeded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from backtest_store.models import Record, to_json
from backtest_store.runs.duplicates import (
    Identity,
    describe_duplicate,
    find_identical,
    named,
    stored_before,
)
from backtest_store.store import queries
from tests.faults.runs import a_failure, a_run

PROVENANCE: dict[str, Any] = {"engine_version": "1.221.0"}
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ONE = a_run(
    started_at=NOON,
    sharpe_ratio=1.2345,
    config_hash="ab" * 32,
    code_hash="12" * 32,
    provenance=PROVENANCE,
)
OTHERS: dict[str, dict[str, Any]] = {
    "configuration": {"config_hash": "cd" * 32},
    "no hash": {"config_hash": None},
    "engine": {"provenance": {"engine_version": "1.231.0"}},
    "no engine": {"provenance": {}},
    "code": {"code_hash": "34" * 32},
    "no code": {"code_hash": None},
}


async def put(db: asyncpg.Connection, *runs: Record) -> None:
    for run in runs:
        await queries.insert_run(db, record=to_json(run))


def another(**changes: Any) -> Record:
    return replace(ONE, **{"run_id": uuid4(), **changes})


async def test_the_newest_is_found(db: asyncpg.Connection) -> None:
    older, newer = another(started_at=NOON - timedelta(1)), another(started_at=NOON + timedelta(1))
    await put(db, older, newer, ONE)
    found = await find_identical(db, ONE)
    assert found is not None
    assert found.run_id == newer.run_id
    assert await find_identical(db, newer) == await one(db, ONE)


async def one(db: asyncpg.Connection, run: Record) -> Record:
    (found,) = await queries.get_runs(db, run_ids=[run.run_id])
    return found


async def test_a_run_is_not_identical_to_itself(db: asyncpg.Connection) -> None:
    await put(db, ONE)
    assert await find_identical(db, ONE) is None


@pytest.mark.parametrize("difference", OTHERS)
async def test_what_differs_is_not_identical(db: asyncpg.Connection, difference: str) -> None:
    await put(db, another(**OTHERS[difference]))
    assert await find_identical(db, ONE) is None


@pytest.mark.parametrize("part", ["config_hash", "code_hash", "provenance"])
async def test_what_is_not_known_is_identical_to_nothing(db: asyncpg.Connection, part: str) -> None:
    unknown = another(**{part: {} if part == "provenance" else None})
    await put(db, ONE, unknown)
    again = replace(unknown, run_id=uuid4())
    assert await find_identical(db, again) is None
    assert await stored_before(db, [Identity.of(again)]) == {}


def test_only_equal_results_are_called_identical() -> None:
    same = another(warnings=["put otherwise"], engine_stats={"x": 1})
    assert describe_duplicate(same, ONE).startswith(f"run {same.run_id} duplicates {ONE.run_id}")
    other = another(total_return=0.5)
    assert "another result" in describe_duplicate(other, ONE)
    assert "duplicates" not in describe_duplicate(other, ONE)


async def test_only_success_counts(db: asyncpg.Connection) -> None:
    same = {
        "config_hash": ONE.config_hash,
        "code_hash": ONE.code_hash,
        "provenance": PROVENANCE,
    }
    await put(db, a_failure(**same))
    assert await find_identical(db, ONE) is None
    await put(db, ONE)
    assert await find_identical(db, a_failure(**same)) is None
    assert await find_identical(db, another(reproduced_from=ONE.run_id)) is None


async def test_many_are_looked_for_at_once(db: asyncpg.Connection) -> None:
    other = another(config_hash="cd" * 32)
    await put(db, ONE, other)
    identities = [Identity.of(run) for run in (other, another(config_hash="ef" * 32), ONE, other)]
    found = await stored_before(db, identities)
    assert {place: run.run_id for place, run in found.items()} == {
        0: other.run_id,
        2: ONE.run_id,
        3: other.run_id,
    }
    assert await stored_before(db, []) == {}


def test_a_run_is_named_for_people() -> None:
    assert named(ONE) == f"{ONE.run_id} of 2026-01-31 12:00 UTC, Sharpe ratio 1.23"
    assert named(a_run(started_at=NOON)).endswith("Sharpe ratio undefined")
