"""The configuration of a run in NautilusTrader's own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.capture.engines.nautilus1.exchanges import exchanges, venue_config
from backtest_store.capture.identity.components import KINDS, importable_components
from backtest_store.capture.identity.json_values import plain
from backtest_store.models import Json

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestDataConfig, BacktestRunConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.instruments import Instrument

    from backtest_store.capture.identity.data_fingerprint import MarketData


def engine_snapshot(engine: BacktestEngine, data: MarketData) -> Json:
    """Describe a low-level engine as a `BacktestRunConfig` would, as far as it can be known."""
    # The engine keeps its configuration to itself; its kernel has the same.
    config = plain(getattr(engine.kernel, "_config", None), parseable=True)
    instruments = sorted(engine.cache.instruments(), key=lambda instrument: str(instrument.id))
    components = importable_components(engine)
    strategies = components["strategies"]
    return {
        **(strategies[0] if len(strategies) == 1 else {}),
        "venues": [venue_config(exchange) for exchange in exchanges(engine)],
        "data": data.describe(),
        "instruments": [instrument_snapshot(i) for i in instruments],
        "engine": (config if isinstance(config, dict) else {}) | components,
    }


def node_snapshot(config: BacktestRunConfig) -> Json:
    """Describe one run configuration of a node, such that `BacktestRunConfig.parse` reads it."""
    snapshot = plain(config, parseable=True)
    return snapshot if isinstance(snapshot, dict) else {}


def with_added(given: Json, described: Json) -> Json:
    """Add to a node's configuration the components that its engine was given after it was built."""
    engine = given.get("engine")
    if not isinstance(engine, dict) or not all(isinstance(engine.get(k), list) for k in KINDS):
        return given
    actual = described.get("engine", {})
    added = {kind: actual.get(kind, [])[len(engine[kind]) :] for kind in KINDS}
    return {**given, "engine": engine | {kind: engine[kind] + added[kind] for kind in KINDS}}


def instrument_snapshot(instrument: Instrument) -> Json:
    """Return an instrument as NautilusTrader itself writes it to JSON."""
    values = plain(type(instrument).to_dict(instrument))
    return values if isinstance(values, dict) else {"id": str(instrument.id)}


def catalogs_of(config: BacktestRunConfig) -> str | None:
    """Name the catalogs that a run reads."""
    paths = dict.fromkeys(_location(data) for data in config.data)
    return ", ".join(paths) or None


def instruments_asked_for(config: BacktestRunConfig) -> list[str]:
    """List the instruments that a run asks its catalogs for."""
    from nautilus_trader.backtest.node import get_instrument_ids

    return sorted({str(i) for data in config.data for i in get_instrument_ids(data)})


def _location(data: BacktestDataConfig) -> str:
    path = str(data.catalog_path)
    protocol = data.catalog_fs_protocol
    return path if protocol in (None, "file") or "://" in path else f"{protocol}://{path}"
