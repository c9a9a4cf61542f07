"""The market data of a node's run: which catalogs it reads, and of what instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestDataConfig, BacktestRunConfig


def source(config: BacktestRunConfig) -> str | None:
    """Name the catalogs that a run reads."""
    paths = dict.fromkeys(_location(data) for data in config.data)
    return ", ".join(paths) or None


def instrument_ids(config: BacktestRunConfig) -> list[str]:
    """List the instruments that a run asks its catalogs for."""
    from nautilus_trader.backtest.node import get_instrument_ids

    return sorted({str(i) for data in config.data for i in get_instrument_ids(data)})


def _location(data: BacktestDataConfig) -> str:
    path = str(data.catalog_path)
    protocol = data.catalog_fs_protocol
    return path if protocol in (None, "file") or "://" in path else f"{protocol}://{path}"
