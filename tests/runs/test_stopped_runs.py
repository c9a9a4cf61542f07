"""A run that its engine stopped has metrics, and is nowhere counted among the successful."""

from datetime import timedelta

import asyncpg
import pytest

from backtest_store.runs import summary
from backtest_store.runs.compare import compare
from backtest_store.runs.listing import Listing, page
from backtest_store.runs.pivot import pivot
from backtest_store.runs.selectors import resolve
from backtest_store.store import queries, sql
from tests.factories import STARTED, make_record, store

FINE = make_record(strategy_name="S", sharpe_ratio=1.0, total_return=0.1)
STOPPED = make_record(
    strategy_name="S",
    status="stopped",
    sharpe_ratio=9.0,
    total_return=0.9,
    started_at=STARTED - timedelta(minutes=1),
)
FAILED = make_record(strategy_name="S", status="failed")


@pytest.fixture
async def runs(db: asyncpg.Connection) -> asyncpg.Connection:
    await store(db, [FINE, STOPPED, FAILED])
    return db


async def test_it_is_not_the_best(runs: asyncpg.Connection) -> None:
    assert (await resolve(runs, "@best:sharpe_ratio")).run_id == FINE.run_id
    ((period, _),) = await summary.trend(runs, "month")
    assert (period.runs, period.best, period.worst) == (3, 1.0, 1.0)
    (strategy,) = await summary.strategies(runs)
    assert (strategy.runs, strategy.failures, strategy.best) == (3, 1, 1.0)


async def test_it_is_in_no_pivot_and_in_no_months(runs: asyncpg.Connection) -> None:
    found = await pivot(runs, (), ["fast_period"], "sharpe_ratio")
    assert found is not None
    assert [(cell.runs, cell.best) for cell in found.cells.values()] == [(1, 1.0)]
    assert [run.run_id for run in await queries.months(runs, limit=9)] == [FINE.run_id]


@pytest.mark.parametrize("order", ["sharpe_ratio", "cagr", "started_at"])
async def test_it_is_listed_by_its_state_with_its_metrics(
    runs: asyncpg.Connection, order: str
) -> None:
    where = (sql.condition("status", "stopped"),)
    (found,) = await page(runs, Listing(where, order), 10)
    assert (found.run_id, found.sharpe_ratio, found.cagr) == (STOPPED.run_id, 9.0, STOPPED.cagr)
    assert found.error_message == STOPPED.error_message


async def test_comparison_says_so(runs: asyncpg.Connection) -> None:
    notes = [*(await compare(runs, [str(FINE.run_id), str(STOPPED.run_id)])).notes()]
    said = f"run {str(STOPPED.run_id)[:8]} was stopped before its data ended: at 2019: enough"
    assert said in notes


async def test_it_says_what_stopped_it(db: asyncpg.Connection) -> None:
    silent = make_record(status="stopped", error_type=None)
    with pytest.raises(asyncpg.CheckViolationError, match="failure_has_a_cause"):
        await store(db, [silent])
