"""Run a backtest that a config describes, and save it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtest_store.errors import StoreError
from backtest_store.hook import record

if TYPE_CHECKING:
    from uuid import UUID

    from backtest_store.models import Record
    from backtest_store.runner.config import BacktestConfig
    from backtest_store.runner.engine import PreparedBacktest


def execute(config: BacktestConfig, *, reproduced_from: UUID | None = None) -> Record:
    """Run one backtest and save it, however it ends.

    Parameters
    ----------
    config : BacktestConfig
        From `load_config` or `with_overrides`.
    reproduced_from : UUID, optional
        The run that this one repeats.

    Returns
    -------
    Record
        What was saved; its `status` is ``failed`` if the strategy raised.

    Raises
    ------
    UsageError
        If the config cannot be used; nothing is saved then.
    StoreError
        If NautilusTrader is not installed.
    """
    try:
        from backtest_store.runner.engine import prepare
    except ModuleNotFoundError as error:
        raise StoreError(
            f"running a backtest needs {error.name}, which is not installed",
            hint="pip install 'backtest-store[nautilus]'",
        ) from error
    return run_prepared(prepare(config), reproduced_from=reproduced_from)


def run_prepared(prepared: PreparedBacktest, *, reproduced_from: UUID | None = None) -> Record:
    """Run an engine that is ready, save the run, and let the engine go."""
    recording = record(
        prepared.engine,
        strategy_name=prepared.strategy_name,
        strategy_type=prepared.strategy_type,
        tags=prepared.tags,
        note=prepared.note,
        data_source=prepared.data_source,
        data_fingerprint=prepared.data_fingerprint,
        parameters=prepared.parameters,
        config_snapshot=prepared.config_snapshot,
        reproduced_from=reproduced_from,
    )
    try:
        with recording:
            prepared.engine.run()
    except Exception:
        if not recording.records:
            raise
    finally:
        prepared.engine.dispose()
    return recording.records[-1]
