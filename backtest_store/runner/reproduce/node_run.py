"""Run a stored `BacktestRunConfig` again."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backtest_store.errors import StoreError
from backtest_store.hook import record
from backtest_store.models import Record
from backtest_store.runner.reproduce.stored_snapshot import IN_SCRIPT, component_paths

if TYPE_CHECKING:
    from nautilus_trader.backtest.config import BacktestRunConfig

    from backtest_store.models import Json

ON_THIS_MACHINE = (None, "file", "local")


def repeat(snapshot: Json, **details: Any) -> Record:
    """Run a node's stored configuration, and save it.

    Parameters
    ----------
    snapshot : dict
        As `record` stores it of a node.
    **details
        As `record` takes them.

    Raises
    ------
    StoreError
        If a catalog or a class is missing, or the configuration is none of this engine version's.
    """
    from nautilus_trader.backtest.node import BacktestNode

    _require_catalogs(snapshot)
    _require_classes(snapshot)
    node = BacktestNode([_run_config(snapshot)])
    try:
        with record(node, **details) as recording:
            node.run()
    except Exception:
        if not recording.records:
            raise
    finally:
        node.dispose()  # type: ignore[no-untyped-call]
    if not recording.records:
        raise StoreError("the run could not be recorded", hint="the warning above says why")
    return recording.records[-1]


def _run_config(snapshot: Json) -> BacktestRunConfig:
    import msgspec
    from nautilus_trader.backtest.config import BacktestRunConfig

    try:
        config: BacktestRunConfig = BacktestRunConfig.parse(msgspec.json.encode(snapshot))
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise StoreError(
            f"this version of NautilusTrader does not take the stored configuration: {error}"
        ) from error
    return config


def _require_catalogs(snapshot: Json) -> None:
    for data in snapshot["data"]:
        path, protocol = str(data["catalog_path"]), data.get("catalog_fs_protocol")
        if protocol in ON_THIS_MACHINE and "://" not in path and not Path(path).is_dir():
            raise StoreError(f"the run's data is not there any more: no catalog {path}")


def _require_classes(snapshot: Json) -> None:
    for path in component_paths(snapshot):
        module, _, name = path.partition(":")
        if module == IN_SCRIPT:
            raise StoreError(
                f"{name} was defined in a script and cannot be imported without running it",
                hint="move it to a module of its own, or record the script with `btstore exec`",
            )
        try:
            getattr(import_module(module), name)
        except Exception as error:
            raise StoreError(
                f"{path} cannot be imported any more: {type(error).__name__}: {error}"
            ) from error
