"""Save every backtest by itself, without disturbing it.

``record`` is the better one: wrapped around ``engine.run()`` or ``node.run()`` it sees failures,
marks equity to market every day, and keeps several runs apart. ``save_run`` saves what an engine
still has after its run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink, run_id_of
from backtest_store.capture.engines.interface import backtest_of, is_a, is_v2
from backtest_store.capture.engines.nautilus1.node import NodeRecorder
from backtest_store.capture.engines.nautilus2.node import Nautilus2NodeRecorder, watch_classes
from backtest_store.capture.engines.supported_versions import unsupported
from backtest_store.capture.error_boundary import fill_standard_streams, guarded
from backtest_store.capture.identity import process_start  # noqa: F401 - as early as can be
from backtest_store.capture.import_hook import RUST_ENGINE_MODULES, ImportHook
from backtest_store.capture.run_details import RunDetails
from backtest_store.capture.run_record import begin, finish
from backtest_store.log import get_logger
from backtest_store.models import Record, to_json
from backtest_store.saving import save
from backtest_store.saving.crash_journal import Entry

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.node import BacktestNode

__all__ = ["Recording", "record", "save_run", "save_run_async"]


# What engines of 2.0 are asked is to be heard from now on: they tell nobody afterwards.
ImportHook(RUST_ENGINE_MODULES, watch_classes).install()


class Recording(StoreSink):
    """The runs recorded by one ``with record(...)``.

    Attributes
    ----------
    records : list[Record]
        What was saved of each run, oldest first.
    unsaved : list[UUID]
        The runs among them that the database did not take, and that the spool keeps.
    """

    def __init__(self, target: BacktestEngine | BacktestNode, details: RunDetails) -> None:
        self.records: list[Record] = []
        self.unsaved: list[UUID] = []
        # Who knows the hash has looked for an identical run before this one.
        self._is_to_warn = details.config_hash is None
        self._recorder = _recorder(target, details, self)
        self._has_begun = False
        self._had_run = self._recorder is not None and self._recorder.has_run

    @property
    def run_id(self) -> UUID | None:
        """Return the newest run's id; None before the first is saved."""
        return self.records[-1].run_id if self.records else None

    @property
    def run_ids(self) -> list[UUID]:
        """Return the ids of all runs, oldest first."""
        return [run.run_id for run in self.records]

    def _repr_html_(self) -> str:
        from backtest_store.runs.notebooks import html_tables

        if not self.records:
            return "<p>nothing is recorded yet</p>"
        return html_tables.table(self.records) + html_tables.unsaved(self.unsaved)

    def __enter__(self) -> Self:
        if self._has_begun:
            get_logger().warning(
                "nothing is recorded: this recording was entered before;"
                " write `with record(…)` anew for each block"
            )
        elif self._recorder is not None:
            self._recorder.attach()
        self._has_begun = True
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        __: TracebackType | None,
    ) -> None:
        # Whoever keeps the recording for its ids must not keep the engine and its data by it.
        recorder, self._recorder = self._recorder, None
        if recorder is None or sys.is_finalizing():  # in a generator; what had ended is saved
            return
        recorder.detach(error)
        if self._had_run and not self.records and error is None:
            get_logger().warning(
                "nothing was recorded: the run had begun before `record` did;"
                " put `run()` into the block, or call `save_run(engine)`"
            )

    def save(self, record: Record, entry: Entry | None) -> bool:
        """Save a run and keep it for whoever made the recording."""
        self.records.append(record)
        is_saved = super().save(record, entry)
        if not is_saved:
            self.unsaved.append(record.run_id)
        if self._is_to_warn:
            save.warn_if_repeated(record)
        return is_saved


def record(  # noqa: PLR0913 - what a caller may know better, each by its name
    target: BacktestEngine | BacktestNode,
    *,
    strategy_name: str | None = None,
    strategy_type: str | None = None,
    tags: Iterable[str] | None = (),
    note: str | None = None,
    data_source: str | None = None,
    data_fingerprint: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    config_snapshot: Mapping[str, Any] | None = None,
    config_hash: str | None = None,
    reproduced_from: UUID | None = None,
    batch_id: UUID | None = None,
    batch_name: str | None = None,
    batch_inputs: Mapping[str, Any] | None = None,
    command_line: str | None = None,
) -> Recording:
    """Save every run of an engine or a node inside a ``with`` block, however it ends.

    A run is saved as soon as the engine has ended it, and what comes after changes nothing of it.
    One that raises is saved as ``failed``, one that ``KeyboardInterrupt`` or ``SystemExit`` ends
    as ``interrupted``; the exception goes on unchanged. One that the engine ends before its data,
    since an account cannot bear it or a strategy shuts the system down, is ``stopped``. With
    several ``run()`` calls and ``reset()`` between them, each is a run of its own; chunks of
    ``run(streaming=True)`` are one. Of a node, each of its run configurations is a run. A fault of
    the recording, or a database that is down, costs one warning line on standard error and never
    the backtest.

    Parameters
    ----------
    target : BacktestEngine or BacktestNode
        The engine, before its ``run()``, or the node, before its ``run()``.
    strategy_name : str, optional
        Else the names of the strategies' classes.
    strategy_type : str, optional
        ``trend_following``, ``mean_reversion``, ``momentum`` …; else ``unclassified``.
    tags : Iterable[str], optional
        Labels to find the run by.
    note : str, optional
        A remark.
    data_source : str, optional
        Where the market data came from: a file or catalog.
    data_fingerprint : str, optional
        A digest of the market data; else one of the data that the engine holds.
    parameters : Mapping[str, Any], optional
        What configures the strategies, for querying; else what their configurations hold.
    config_snapshot : Mapping[str, Any], optional
        All that is needed to run it again; else what the engine or the node shows.
    config_hash : str, optional
        SHA-256 in hex of configuration, instruments, dates and data, any other text being hashed;
        else computed.
    reproduced_from : UUID, optional
        The run that this one repeats.
    batch_id : UUID, optional
        What the runs of one grid have in common.
    batch_name : str, optional
        What the grid is called; only with a `batch_id`.
    batch_inputs : Mapping[str, Any], optional
        The values by which the run differs from the others of its grid.
    command_line : str, optional
        The command that ran it; else this process's.

    Returns
    -------
    Recording
        A context manager; its ``run_id``, ``run_ids`` and ``records`` say what was saved.

    Examples
    --------
    >>> with record(engine, strategy_name="SMA Crossover", tags=["eurusd"]) as run:
    ...     engine.run()
    >>> run.run_id
    """
    details = RunDetails(
        strategy_name=strategy_name,
        strategy_type=strategy_type,
        tags=tags,
        note=note,
        data_source=data_source,
        data_fingerprint=data_fingerprint,
        parameters=parameters,
        config_snapshot=config_snapshot,
        config_hash=config_hash,
        reproduced_from=reproduced_from,
        batch_id=batch_id,
        batch_name=batch_name,
        batch_inputs=batch_inputs,
        command_line=command_line,
    )
    return Recording(target, details)


def save_run(engine: BacktestEngine, **details: Any) -> UUID | None:
    """Save the run that an engine has behind it.

    Equity is the account's balance, as nothing marked open positions to market during the run:
    prefer ``record``. Saving the same run again changes nothing, and gives the same id.

    Parameters
    ----------
    engine : BacktestEngine
        An engine after ``run()``, neither reset nor disposed.
    **details
        As ``record`` takes them.

    Returns
    -------
    UUID or None
        The run's id; None if the engine has not run.
    """
    captured = _capture(engine, RunDetails(**details))
    if captured is None:
        return None
    save.save_record(captured)
    return captured.run_id


async def save_run_async(engine: BacktestEngine, **details: Any) -> UUID | None:
    """Save the run that an engine has behind it, without blocking the event loop.

    Parameters and result are those of ``save_run``.
    """
    captured = _capture(engine, RunDetails(**details))
    if captured is None:
        return None
    await save.save_record_async(captured)
    return captured.run_id


def _capture(engine: BacktestEngine, details: RunDetails) -> Record | None:
    with guarded("capture the run"):
        fill_standard_streams()
        if not _is_supported():
            return None
        if not hasattr(engine, "run_id"):
            kind = type(engine).__name__
            get_logger().warning(f"save_run takes an engine, was {kind}: use `record`")
        elif engine.run_id is None:
            get_logger().warning("there is no run to save: the engine has not run, or was reset")
        else:
            backtest = backtest_of(engine)
            begun = begin(backtest, details, run_id_of(backtest))
            return finish(backtest, begun, backtest.outcome())
    return None


@cache
def _is_supported() -> bool:
    """Tell whether runs of this NautilusTrader can be captured, and if not, the user, once."""
    reason = unsupported()
    if reason is not None:
        get_logger().warning(f"no run is recorded: {reason}")
    return reason is None


@cache
def _warm_up() -> None:
    """Load what writes a record now, lest the first run be half a second longer for it."""
    nobody = Record(
        run_id=UUID(int=0), status="interrupted", started_at=datetime.now(UTC), strategy_name="-"
    )
    to_json(nobody)


def _recorder(
    target: BacktestEngine | BacktestNode, details: RunDetails, recording: Recording
) -> EngineRecorder | NodeRecorder | Nautilus2NodeRecorder | None:
    with guarded("record"):
        fill_standard_streams()
        if not _is_supported():
            return None
        save.take_early()
        _warm_up()
        if is_a(target, "BacktestNode"):
            kind = Nautilus2NodeRecorder if is_v2(type(target)) else NodeRecorder
            return kind(target, details, recording)
        if is_a(target, "BacktestEngine"):
            return EngineRecorder(target, details, recording)
        get_logger().warning(f"cannot record a {type(target).__name__}: not an engine nor a node")
    return None
