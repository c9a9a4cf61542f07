"""Runs to save, and what a store holds of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg

from backtest_store.models import Record

TRADED: dict[str, Any] = {
    "total_trades": 3,
    "winning_trades": 1,
    "losing_trades": 2,
    "breakeven_trades": 0,
    "returns_count": 10,
    "equity_basis": "mark_to_market",
    "engine_stats": {},
    "warnings": [],
}


def a_run(**changes: Any) -> Record:
    """Return a successful run, changed as wanted."""
    values: dict[str, Any] = {
        "run_id": uuid4(),
        "status": "success",
        "started_at": datetime.now(UTC),
        "strategy_name": "SMA Crossover",
        **TRADED,
        **changes,
    }
    return Record(**values)


def a_failure(**changes: Any) -> Record:
    """Return a run that failed, changed as wanted."""
    untraded = dict.fromkeys(TRADED)
    return a_run(**{**untraded, "status": "failed", "error_type": "ZeroDivisionError", **changes})


def a_start(run: Record) -> Record:
    """Return a run as it is when it begins: nothing has come of it yet."""
    return a_run(**{**vars(run), **dict.fromkeys(TRADED), "status": "interrupted"})


def an_impossible_run() -> Record:
    """Return a run that no store takes."""
    return a_run(win_rate=1.5)


def stored(url: str) -> dict[UUID, str]:
    """Return the runs of a store, each with its status."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT run_id, status FROM backtest_runs").fetchall())
