"""A selector names one run, or says why it does not."""

from collections.abc import Sequence
from datetime import timedelta
from math import inf
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest_store.errors import RunNotFoundError, UsageError
from backtest_store.runs.selectors import id_range, resolve, resolve_all, resolve_ids
from tests.factories import STARTED, make_record, store

IDS = [UUID(f"abcd{n:04x}-0000-4000-8000-{n:012x}") for n in (1, 2, 0x10, 0x1000, 0xFFFF)]


@pytest.fixture
async def runs(db: asyncpg.Connection) -> Sequence[UUID]:
    """Store runs whose ids begin alike, the first of them the oldest."""
    await store(
        db,
        [
            make_record(run_id=run_id, started_at=STARTED + timedelta(days=n), sharpe_ratio=n % 3)
            for n, run_id in enumerate(IDS)
        ],
    )
    return IDS


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run_id=st.sampled_from(IDS), length=st.integers(4, 36), upper=st.booleans())
async def test_a_prefix_names_the_only_run_that_begins_so(
    db: asyncpg.Connection, runs: Sequence[UUID], run_id: UUID, length: int, *, upper: bool
) -> None:
    prefix = str(run_id)[:length].upper() if upper else str(run_id)[:length]
    begin_so = [i for i in runs if i.hex.startswith(prefix.lower().replace("-", ""))]
    if len(begin_so) == 1:
        assert await resolve_ids(db, [prefix]) == [run_id]
    else:
        with pytest.raises(RunNotFoundError, match="ambiguous"):
            await resolve_ids(db, [prefix])


@given(st.text(alphabet="0123456789abcdef", max_size=32))
def test_a_range_holds_the_ids_that_begin_so(prefix: str) -> None:
    found = id_range(prefix)
    assert found is not None
    low, high = found
    assert low.hex.startswith(prefix)
    assert high.hex.startswith(prefix)
    assert high.int - low.int == 16 ** (32 - len(prefix)) - 1


@pytest.mark.parametrize(
    ("selector", "place"),
    [("@latest", 4), ("@latest~0", 4), ("@latest~4", 0), ("@best:sharpe_ratio", 2)],
)
async def test_a_named_run(
    db: asyncpg.Connection, runs: Sequence[UUID], selector: str, place: int
) -> None:
    assert (await resolve(db, selector)).run_id == runs[place]


async def test_the_best_by_a_ratio_to_losses_is_the_run_that_never_lost(
    db: asyncpg.Connection,
) -> None:
    never, seldom = make_record(profit_factor=inf), make_record(profit_factor=1e300)
    await store(db, [seldom, never, make_record(profit_factor=None), make_record(status="failed")])
    assert (await resolve(db, "@best:profit_factor")).run_id == never.run_id


async def test_many_come_in_the_order_asked_for(
    db: asyncpg.Connection, runs: Sequence[UUID]
) -> None:
    asked = [str(runs[3]), "@latest", str(runs[0])[:9], str(runs[3])]
    found = await resolve_all(db, asked)
    assert [run.run_id for run in found] == [runs[3], runs[4], runs[0], runs[3]]


class Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db
        self.queries = 0

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Run a query."""
        self.queries += 1
        rows: list[asyncpg.Record] = await self.db.fetch(query, *args)
        return rows


async def test_many_are_looked_for_at_once(db: asyncpg.Connection, runs: Sequence[UUID]) -> None:
    counting = Counting(db)
    assert len(await resolve_all(counting, [str(run) for run in runs])) == len(runs)
    assert counting.queries == 2, "their ids, and then the runs"


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "abc",
        "-",
        "xyzw",
        "@",
        "@latest~",
        "@latest~-1",
        "@latest~99999999999",
        "a" * 33,
        "@best:",
    ],
)
async def test_what_names_no_run(
    db: asyncpg.Connection, runs: Sequence[UUID], selector: str
) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        await resolve(db, selector)
    assert caught.value.hint


async def test_a_metric_that_there_is_not_is_refused(db: asyncpg.Connection) -> None:
    with pytest.raises(UsageError) as caught:
        await resolve(db, "@best:sharpe")
    assert "sharpe_ratio" in caught.value.hint
