"""Run backtests that configs describe, and save them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.capture.engines.release import engine_version, unsupported
from backtest_store.errors import StoreError, UsageError
from backtest_store.hook import record
from backtest_store.runs.duplicates import Identity, joined, stored_before
from backtest_store.store.connection import call

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime
    from uuid import UUID

    from backtest_store.models import Record
    from backtest_store.runner.config.config import BacktestConfig
    from backtest_store.runner.data.bars import LoadedBars
    from backtest_store.runner.engine import PreparedBacktest


@dataclass(frozen=True)
class Refusal:
    """Why a backtest could not be run or recorded."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """A backtest that was run and recorded, and whether the database has it yet."""

    run: Record
    is_saved: bool = True


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
        If there is no NautilusTrader, or one that is not supported.
    """
    require_engine()
    from backtest_store.runner.engine import prepare

    return run_prepared(prepare(config), reproduced_from=reproduced_from)


def require_engine() -> None:
    """Make sure that a backtest can be run here, without the time that importing it takes.

    Raises
    ------
    StoreError
        If there is no NautilusTrader, or one that is not supported.
    """
    reason = unsupported()
    if reason is not None:
        raise StoreError(
            f"cannot run a backtest: {reason}", hint="pip install 'backtest-store[nautilus]'"
        )


def warm_up() -> None:
    """Import what running a backtest takes, which is slow."""
    import backtest_store.capture.run
    import backtest_store.runner.engine  # noqa: F401 - for the next who asks


def run_prepared(
    prepared: PreparedBacktest,
    *,
    reproduced_from: UUID | None = None,
    command_line: str | None = None,
) -> Record:
    """Run an engine that is ready, save the run, and let the engine go."""
    return run_recorded(prepared, reproduced_from=reproduced_from, command_line=command_line).run


def run_recorded(
    prepared: PreparedBacktest,
    *,
    reproduced_from: UUID | None = None,
    command_line: str | None = None,
) -> Ended:
    """Do as `run_prepared` does, and say whether the database has the run."""
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
        config_hash=prepared.config_hash,
        reproduced_from=reproduced_from,
        command_line=command_line,
    )
    try:
        with recording:
            prepared.engine.run()
    except Exception:
        if not recording.records:
            raise
    finally:
        prepared.engine.dispose()
    if not recording.records:
        raise StoreError("the run could not be recorded", hint="the warning above says why")
    return Ended(recording.records[-1], is_saved=not recording.unsaved)


def inspect(config: BacktestConfig) -> Identity | Refusal:
    """Check a config as one of many, and return what its run would be known by.

    Its data is loaded once for all that share it.
    """
    from backtest_store.runner.engine import describe

    try:
        backtest = describe(config, load=shared_bars)
    except UsageError as error:
        return Refusal(str(error))
    return Identity(backtest.config_hash, joined([backtest.source_digest]), engine_version())


def run_one(config: BacktestConfig) -> Ended | Refusal:
    """Run and save a backtest as one of many: whatever happens to it does not stop the others."""
    from backtest_store.runner.engine import prepare

    try:
        return run_recorded(prepare(config, load=shared_bars))
    except StoreError as error:
        return Refusal(str(error))
    except Exception as error:  # noqa: BLE001 - the others go on, and this one is reported
        return Refusal(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class RunOnce:
    """Runs and saves one backtest of many.

    Parameters
    ----------
    since : datetime
        When the first of them began, UTC.
    """

    since: datetime

    def __call__(self, config: BacktestConfig) -> Ended | Refusal:
        """Run it: whatever happens to it does not stop the others."""
        return run_one(config)

    def again(self, config: BacktestConfig) -> Ended | Refusal:
        """Run it unless the worker that was lost at it had saved it already."""
        identity = inspect(config)
        if isinstance(identity, Refusal):
            return identity
        try:
            found = call(lambda db: stored_before(db, [identity])).get(0)
        except StoreError:  # the run itself waits in the spool for as long as the store is away
            found = None
        if found is not None and found.started_at >= self.since:
            return Ended(found)
        return run_one(config)


class SharedBars:
    """Loads bars once for the backtests of a process that trade on the same.

    Parameters
    ----------
    most : int
        How many to keep; of a grid over dates, each has its own.
    """

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._loaded: OrderedDict[Hashable, LoadedBars] = OrderedDict()

    def __call__(self, config: BacktestConfig) -> LoadedBars:
        """Return the bars that a config asks for."""
        key = (config.data, config.venue, config.instrument, config.directory)
        if key not in self._loaded:
            from backtest_store.runner.data.bars import load_bars

            while len(self._loaded) >= self._most:
                self._loaded.popitem(last=False)
            self._loaded[key] = load_bars(config)
        return self._loaded[key]


shared_bars = SharedBars()
