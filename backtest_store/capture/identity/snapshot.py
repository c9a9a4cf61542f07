"""The configuration of a run in NautilusTrader's own terms, and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backtest_store.capture.engines.exchanges import exchanges, venue_config
from backtest_store.capture.identity.components import importable_components
from backtest_store.capture.identity.json_values import canonical, plain
from backtest_store.capture.identity.market_data import MarketData
from backtest_store.models import Json, Plain

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.instruments import Instrument

# What names a run or its orders, or says where it writes, and changes nothing in its result.
ENGINE_NAMES = frozenset({"trader_id", "instance_id", "logging", "loop_debug", "streaming"})
COMPONENT_NAMES = frozenset({"strategy_id", "order_id_tag", "component_id", "exec_algorithm_id"})
COMPONENTS = ("strategies", "actors", "exec_algorithms")
RUN_NAMES = frozenset({"raise_exception", "dispose_on_completion"})


def engine_snapshot(engine: BacktestEngine, data: MarketData) -> Json:
    """Describe a low-level engine as a `BacktestRunConfig` would, as far as it can be known."""
    config = plain(_engine_config(engine), parseable=True)
    components = importable_components(engine)
    strategies = components["strategies"]
    return {
        **(strategies[0] if len(strategies) == 1 else {}),
        "venues": [venue_config(exchange) for exchange in exchanges(engine)],
        "data": data.describe(),
        "instruments": [instrument_snapshot(i) for i in _instruments(engine)],
        "engine": (config if isinstance(config, dict) else {}) | components,
    }


def node_snapshot(config: BacktestRunConfig) -> Json:
    """Describe one run configuration of a node, such that `BacktestRunConfig.parse` reads it."""
    snapshot = plain(config, parseable=True)
    return snapshot if isinstance(snapshot, dict) else {}


def instrument_snapshot(instrument: Instrument) -> Json:
    """Return an instrument as NautilusTrader itself writes it to JSON."""
    values = plain(type(instrument).to_dict(instrument))
    return values if isinstance(values, dict) else {"id": str(instrument.id)}


def config_hash(
    snapshot: Json,
    *,
    instrument_ids: Sequence[str],
    start_date: datetime | None,
    end_date: datetime | None,
    data_fingerprint: str | None,
) -> str:
    """Digest what decides about a run's result; names, order ids and logging do not.

    Returns
    -------
    str
        SHA-256 in hex, the same in every process and for every order of keys.
    """
    substance: Plain = {
        "config": _substance(snapshot),
        "instrument_ids": sorted(instrument_ids),
        "start_date": _utc(start_date),
        "end_date": _utc(end_date),
        "data_fingerprint": data_fingerprint,
    }
    return hashlib.sha256(canonical(substance).encode()).hexdigest()


def _substance(snapshot: Json) -> Json:
    config = _without_names({n: value for n, value in snapshot.items() if n not in RUN_NAMES})
    engine = config.get("engine")
    if isinstance(engine, dict):
        kept = {name: value for name, value in engine.items() if name not in ENGINE_NAMES}
        config["engine"] = kept | {n: _nameless(kept[n]) for n in COMPONENTS if n in kept}
    return config


def _nameless(components: Plain) -> Plain:
    if not isinstance(components, list):
        return components
    return [_without_names(c) if isinstance(c, dict) else c for c in components]


def _without_names(component: Json) -> Json:
    config = component.get("config")
    if not isinstance(config, dict):
        return component
    kept = {name: value for name, value in config.items() if name not in COMPONENT_NAMES}
    return component | {"config": kept}


def _utc(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat()


def _engine_config(engine: BacktestEngine) -> object:
    """Return the engine's configuration, which it keeps to itself; its kernel has the same."""
    return getattr(engine.kernel, "_config", None)


def _instruments(engine: BacktestEngine) -> list[Instrument]:
    return sorted(engine.cache.instruments(), key=lambda instrument: str(instrument.id))
