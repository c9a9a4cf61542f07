"""Whatever way runs come in and go, each is listed under each of its instruments, once."""

from random import Random

import asyncpg
import pytest

from backtest_store.models import Record, to_json
from backtest_store.store import queries
from tests.factories import make_record, store

LISTED = (
    "SELECT run_id, instrument_id, status, started_at, strategy_name, strategy_type,"
    " total_return, sharpe_ratio, max_drawdown FROM run_instruments"
)
STRATEGIES = ("A", "B", "漢字")
INSTRUMENTS = ("A.X", "B.X", "C.Y", "", "漢字.Z")


def some_runs() -> list[Record]:
    """Return runs of none to five instruments, some of them named twice."""
    random = Random(7)
    return [
        make_record(
            instrument_ids=random.choices(INSTRUMENTS, k=random.randrange(6)),
            status=random.choice(("success", "failed", "interrupted")),
            strategy_name=random.choice(STRATEGIES),
            strategy_type=random.choice(STRATEGIES),
        )
        for _ in range(60)
    ]


def expected(runs: list[Record]) -> set[tuple[object, ...]]:
    """Return the rows that runs should have."""
    return {
        (
            run.run_id, instrument, run.status, run.started_at, run.strategy_name,
            run.strategy_type, run.total_return, run.sharpe_ratio, run.max_drawdown,
        )
        for run in runs
        for instrument in run.instrument_ids
    }  # fmt: skip


async def test_each_run_is_listed_under_each_of_its_instruments(db: asyncpg.Connection) -> None:
    runs = some_runs()
    alone, together = runs[::2], runs[1::2]
    await store(db, alone)
    await store(db, alone[:3])
    await queries.insert_runs(db, records=[to_json(run) for run in [*together, *alone[:3]]])
    assert {tuple(row) for row in await db.fetch(LISTED)} == expected(runs)

    await queries.delete_runs(db, run_ids=[run.run_id for run in runs[::3]])
    left = [run for n, run in enumerate(runs) if n % 3]
    assert {tuple(row) for row in await db.fetch(LISTED)} == expected(left)


async def test_the_list_is_never_updated(db: asyncpg.Connection) -> None:
    await store(db, [make_record()])
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="never updated"):
        await db.execute("UPDATE run_instruments SET sharpe_ratio = 9")
