"""What of a configuration decides about a result: not names, order ids, logging or places."""

from __future__ import annotations

from backtest_store.models import Json, Plain

# What names a run or its orders, or says where it writes, and changes nothing in its result.
ENGINE_NAMES = frozenset(
    {"trader_id", "instance_id", "logging", "loop_debug", "streaming", "catalogs"}
)
COMPONENT_NAMES = frozenset({"strategy_id", "order_id_tag", "component_id", "exec_algorithm_id"})
COMPONENTS = ("strategies", "actors", "exec_algorithms")
# How a run is carried out, and when it begins and ends, which the data and the dates tell.
RUN_NAMES = frozenset({"raise_exception", "dispose_on_completion", "chunk_size", "start", "end"})
# Where data is and which part of it is read: its fingerprint tells what was found there.
DATA_PLACES = frozenset(
    {
        "path",
        "source",
        "catalog_path",
        "catalog_fs_protocol",
        "catalog_fs_storage_options",
        "catalog_fs_rust_storage_options",
        "start_time",
        "end_time",
        "optimize_file_loading",
        "streams",
        "count",
        "first",
        "last",
    }
)


def substance(snapshot: Plain) -> Plain:
    """Return what of a run's configuration decides about its result.

    Parameters
    ----------
    snapshot : JSON
        A `BacktestRunConfig` as JSON, or what describes an engine in its terms; not redacted.

    Returns
    -------
    JSON
    """
    if not isinstance(snapshot, dict):
        return snapshot
    config = _nameless({n: value for n, value in snapshot.items() if n not in RUN_NAMES})
    if isinstance(config.get("data"), list):
        config["data"] = [kept for data in config["data"] if (kept := _placeless(data))]
    engine = config.get("engine")
    if isinstance(engine, dict):
        kept = {name: value for name, value in engine.items() if name not in ENGINE_NAMES}
        config["engine"] = kept | {n: _all_nameless(kept[n]) for n in COMPONENTS if n in kept}
    return config


def _placeless(data: Plain) -> Plain:
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in DATA_PLACES}


def _all_nameless(components: Plain) -> Plain:
    if not isinstance(components, list):
        return components
    return [_nameless(c) if isinstance(c, dict) else c for c in components]


def _nameless(component: Json) -> Json:
    config = component.get("config")
    if not isinstance(config, dict):
        return dict(component)
    kept = {name: value for name, value in config.items() if name not in COMPONENT_NAMES}
    return component | {"config": kept}
