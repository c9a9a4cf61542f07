"""Shell completion of strategies, runs and fields: quick, and silent if the store is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")
NAMED_RUNS = {"@latest": "the newest run", "@best:sharpe_ratio": "the best run by a metric"}
OFFERED = 50
PATIENCE_SECONDS = 1.0


def strategies(incomplete: str) -> list[str]:
    """Offer the strategies that begin so."""
    from backtest_store import queries

    return _found(lambda db: queries.strategy_names(db, prefix=incomplete, limit=OFFERED))


def runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the newest runs whose ids begin so, each with what a person knows it by."""
    from backtest_store import queries
    from backtest_store.cli import cells
    from backtest_store.selectors import id_range

    if incomplete.startswith("@"):
        return [(n, what) for n, what in NAMED_RUNS.items() if n.startswith(incomplete)]
    ids = id_range(incomplete)
    if ids is None:
        return []
    low, high = ids
    found = _found(lambda db: queries.newest_runs(db, low=low, high=high, limit=OFFERED))
    return [
        (str(run.run_id), f"{run.started_at:%Y-%m-%d %H:%M} {cells.printable(run.strategy_name)}")
        for run in found
    ]


def sortable(incomplete: str) -> list[str]:
    """Offer the fields that begin so."""
    from backtest_store.fields import SORTABLE

    return [name for name in SORTABLE if name.startswith(incomplete)]


def _found(query: Callable[[Connection], Awaitable[list[T]]]) -> list[T]:
    """Return what a query finds, or nothing: completion must not disturb the command line."""
    import asyncio

    with suppress(Exception):
        return asyncio.run(asyncio.wait_for(_ask(query), PATIENCE_SECONDS))
    return []


async def _ask(query: Callable[[Connection], Awaitable[list[T]]]) -> list[T]:
    from backtest_store.database.connection import connect_to_server
    from backtest_store.database.embedded import EmbeddedServer
    from backtest_store.database.settings import Settings

    settings = Settings.from_environment()
    if settings.database_url is None and EmbeddedServer(settings.home).pid() is None:
        return []  # to start it, or even to make it, is not what the TAB key is for
    async with connect_to_server(settings) as db:
        return await query(db)
