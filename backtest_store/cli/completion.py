"""Shell completion of strategies and run ids: quick, and silent if the store is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtest_store.sql import Db

NAMED_RUNS = ("@latest", "@best:sharpe_ratio")
OFFERED = 50


def strategies(incomplete: str) -> list[str]:
    """Offer the strategies that begin so."""
    return []


def runs(incomplete: str) -> list[tuple[str, str]]:
    """Offer the newest runs whose ids begin so, each with its strategy."""
    named = [(name, "") for name in NAMED_RUNS if name.startswith(incomplete)]
    if incomplete.startswith("@"):
        return named
    return named


def sortable(incomplete: str) -> list[str]:
    """Offer the fields that begin so."""
    from backtest_store.fields import SORTABLE

    return [name for name in SORTABLE if name.startswith(incomplete)]
