"""Run a stored `BacktestRunConfig` again."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

from backtest_store.errors import StoreError
from backtest_store.models import Record
from backtest_store.runner.reproduce.stored_snapshot import (
    IN_SCRIPT,
    component_paths,
    missing_catalog,
)

if TYPE_CHECKING:
    from backtest_store.models import Json


def repeat(snapshot: Json, details: Json, *, reproduced_from: UUID, command_line: str) -> Record:
    """Run a stored configuration, and save it with the details of `Backtest`.

    Raises
    ------
    StoreError
        If data or a class is missing, or the configuration is none of this engine version's.
    """
    from backtest_store.runner.config.expansion import Backtest
    from backtest_store.runner.config_runs import run
    from backtest_store.runner.data.made_catalogs import restored
    from backtest_store.runner.installed_nautilus import run_config

    if not isinstance(snapshot.get("venues"), list):
        raise StoreError("this version of NautilusTrader does not take the stored configuration")
    data = [restored(entry) for entry in snapshot["data"]]
    if gone := missing_catalog(data):
        raise StoreError(f"the run's data is not there any more: no catalog {gone}")
    _require_classes(snapshot)
    # What a run streams to disk decides nothing, and would replace what the first one wrote.
    engine = {name: value for name, value in snapshot["engine"].items() if name != "streaming"}
    config = run_config().without_unknown(snapshot | {"data": data, "engine": engine})
    backtest = Backtest(config, **details)
    return run(backtest, reproduced_from=reproduced_from, command_line=command_line).run


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
