"""Runs that were never run, for tests of what is done with them."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg

from backtest_store.models import Metrics, Record, to_json
from backtest_store.store import queries

STARTED = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def make_metrics(**changes: Any) -> Metrics:
    """Make the metrics of a run that went well."""
    values: dict[str, Any] = {
        "total_return": 0.25,
        "cagr": 0.12,
        "volatility": 0.18,
        "sharpe_ratio": 0.75,
        "sortino_ratio": 1.1,
        "calmar_ratio": 0.8,
        "max_drawdown": -0.15,
        "max_drawdown_date": date(2020, 3, 23),
        "final_balance": Decimal("125000.50"),
        "net_profit": Decimal("25000.50"),
        "unrealised_profit": Decimal("120.25"),
        "total_fees": Decimal("12.30"),
        "total_trades": 10,
        "winning_trades": 6,
        "losing_trades": 3,
        "breakeven_trades": 1,
        "win_rate": 0.6,
        "profit_factor": 2.5,
        "expectancy": Decimal("2500.05"),
        "avg_win": Decimal("5000.01"),
        "avg_loss": Decimal("-1666.52"),
        "returns_count": 500,
        "periods_per_year": 252.0,
        "buy_and_hold_return": 0.2,
        "returns_skewness": -0.2,
        "returns_kurtosis": 4.5,
        "returns_autocorrelation": 0.05,
        "period": "month",
        "period_start": date(2018, 1, 1),
        "period_returns": [0.05, None, 0.19],
        "period_counts": [21, 0, 22],
        "period_means": [0.0024, None, 0.008],
        "period_deviations": [0.01, None, 0.011],
        "equity_basis": "mark_to_market",
        "engine_stats": {"PnL (total)": 25000.5},
        "warnings": [],
    }
    return Metrics(**values | changes)


def make_record(**changes: Any) -> Record:
    """Make a run, successful unless its status says otherwise."""
    values: dict[str, Any] = {
        "run_id": uuid4(),
        "status": "success",
        "started_at": STARTED,
        "duration_seconds": 1.5,
        "strategy_name": "SMA Crossover",
        "strategy_type": "trend_following",
        "instrument_ids": ["SPX.XCBO"],
        "start_date": datetime(2018, 1, 2, tzinfo=UTC),
        "end_date": datetime(2020, 12, 31, tzinfo=UTC),
        "initial_capital": Decimal("100000.00"),
        "currency": "USD",
        "data_source": "sp500_daily",
        "data_fingerprint": "sha256:00",
        "parameters": {"fast_period": 10, "slow_period": 50},
        "config_snapshot": {"strategy_path": "a:B"},
        "config_hash": "0" * 64,
        "provenance": {"python": "3.11"},
    }
    if changes.get("status", "success") in ("success", "stopped"):
        values |= asdict(make_metrics())
    if changes.get("status") == "stopped":
        values |= {"error_type": "ShutdownSystem", "error_message": "at 2019: enough"}
    if changes.get("status") == "failed":
        values |= {"error_type": "ValueError", "error_message": "no", "error_traceback": "…"}
    return Record(**values | changes)


async def store(db: asyncpg.Connection, records: Iterable[Record]) -> None:
    """Save runs as the hook would."""
    for record in records:
        await queries.insert_run(db, record=to_json(record))


def store_at(url: str, *records: Record) -> None:
    """Save runs in the store at a URL."""
    import asyncio

    async def main() -> None:
        db = await asyncpg.connect(url)
        try:
            await store(db, records)
        finally:
            await db.close()

    asyncio.run(main())
