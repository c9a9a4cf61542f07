"""NautilusTrader's own statistics of a run, verbatim."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backtest_store.capture.identity.json_values import plain
from backtest_store.models import Json, Plain

if TYPE_CHECKING:
    from nautilus_trader.analysis.analyzer import PortfolioAnalyzer
    from nautilus_trader.backtest.engine import BacktestEngine


def engine_statistics(engine: BacktestEngine) -> Json:
    """Return what the engine's analyzer computed, under the names that it gives them."""
    analyzer = engine.portfolio.analyzer
    return {
        "pnls": _each_currency(analyzer),
        "returns": _attempt(analyzer.get_performance_stats_returns),
        "general": _attempt(analyzer.get_performance_stats_general),
    }


def _each_currency(analyzer: PortfolioAnalyzer) -> dict[str, Plain]:
    return {
        str(currency.code): _attempt(analyzer.get_performance_stats_pnls, currency)
        for currency in analyzer.currencies
    }


def _attempt(statistics: Callable[..., object], *arguments: object) -> Plain:
    """Return statistics, or none: the analyzer fails on some runs without a trade."""
    try:
        return plain(statistics(*arguments))
    except Exception:  # noqa: BLE001 - whatever it raises, the run is worth saving
        return {}
