"""What documents of runs have in common is stored once, and each comes back as it was."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backtest_store.models import Record, to_json
from backtest_store.runs.duplicates import find_identical
from backtest_store.store import queries
from tests.factories import make_record, store
from tests.number_of_tries import tries

SNAPSHOT = {"engine": {"id": "A%B %s", "fast": 10, "ratio": 0.95, "none": None}, "of": [1, 2.5e-7]}
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
odd_texts = st.sampled_from(["%", "%s", "%%s", "a: 5, b", "[1, 2]", "1 2", '"', "\\", str(uuid4())])
numbers = st.integers() | st.floats(-1e12, 1e12)
documents = st.dictionaries(
    texts | odd_texts,
    st.recursive(
        st.none() | st.booleans() | numbers | texts | odd_texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


async def stored_and_read(url: str, record: Record) -> Record:
    """Save a run and return it as it is read."""
    db = await asyncpg.connect(url, statement_cache_size=0)
    await store(db, [record])
    (found,) = await queries.get_runs(db, run_ids=[record.run_id])
    await db.close()
    return found


def test_any_document_comes_back_as_it_was(store_url: str) -> None:
    @settings(max_examples=tries(40, 150), suppress_health_check=list(HealthCheck))
    @given(documents, documents, documents)
    @example({}, {"%": "%s"}, {"x": [-1.5, 1e-30, 10**40]})
    def check(snapshot: dict[str, Any], origin: dict[str, Any], stats: dict[str, Any]) -> None:
        given_ = {"config_snapshot": snapshot, "provenance": origin, "engine_stats": stats}
        record = make_record(**given_)
        assert asyncio.run(stored_and_read(store_url, record)) == record

    check()


async def test_numbers_and_ids_that_differ_make_no_new_shape(db: asyncpg.Connection) -> None:
    runs = [
        make_record(
            config_snapshot=SNAPSHOT | {"fast": n},
            provenance={"engine_run_id": str(uuid4()), "python": "3.11"},
            engine_stats={"Sharpe": n / 7},
        )
        for n in range(50)
    ]
    await store(db, runs[:25])
    await queries.insert_runs(db, records=[to_json(run) for run in runs[25:]])
    assert await db.fetchval("SELECT count(*) FROM shapes") == 3
    assert await queries.get_runs(db, run_ids=[run.run_id for run in runs]) == runs
    size = await db.fetchval("SELECT max(pg_column_size(config_snapshot)) FROM backtest_runs")
    assert size < len(json.dumps(SNAPSHOT))


async def test_a_long_document_stays_whole(db: asyncpg.Connection) -> None:
    run = make_record(config_snapshot={"data": ["x%" * 100] * 1000})
    await store(db, [run])
    assert await queries.get_runs(db, run_ids=[run.run_id]) == [run]
    assert await db.fetchval("SELECT count(*) FROM shapes WHERE length(template) > 100000") == 0


@pytest.mark.parametrize("part", ["config_snapshot", "provenance", "engine_stats"])
async def test_what_is_no_object_is_refused(db: asyncpg.Connection, part: str) -> None:
    line = json.dumps(json.loads(to_json(make_record())) | {part: [1, "2"]})
    with pytest.raises(asyncpg.CheckViolationError, match="not a JSON object"):
        await queries.insert_run(db, record=line)


async def test_the_engine_version_is_found_in_it(db: asyncpg.Connection) -> None:
    first, second = (
        make_record(code_hash="1" * 64, provenance={"engine_version": "1.221.0"}) for _ in range(2)
    )
    await store(db, [first, second])
    assert (await find_identical(db, second)) == first


def test_two_who_save_a_new_shape_at_once_do_not_wait(store_url: str) -> None:
    async def both() -> None:
        slow, quick = [await asyncpg.connect(store_url) for _ in range(2)]
        async with slow.transaction():
            await queries.insert_run(slow, record=to_json(make_record(config_snapshot=SNAPSHOT)))
            record = to_json(make_record(config_snapshot=SNAPSHOT))
            await asyncio.wait_for(queries.insert_run(quick, record=record), 20)
        await asyncio.gather(slow.close(), quick.close())

    asyncio.run(both())
