"""Record the runs of a node: each run configuration, also those whose failure the node swallows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from backtest_store.capture.end_status import leave_no_trace, outcome_of
from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.capture.error_boundary import guarded
from backtest_store.capture.identity.config_snapshot import (
    catalogs_of,
    node_snapshot,
)
from backtest_store.capture.run_details import RunDetails
from backtest_store.capture.run_record import failed_to_build

if TYPE_CHECKING:
    from collections.abc import Callable

    from nautilus_trader.backtest.config import BacktestRunConfig
    from nautilus_trader.backtest.node import BacktestNode

# What a node calls for each configuration: first to make its engine, then to run it.
BUILD, RUN = "_create_engine", "_run"
WATCHED_NODES: set[int] = set()


class NodeRecorder:
    """Watches a node from `attach` to `detach`, and hands each of its runs to a sink.

    It stands in for two methods of this one node, the only places where the exceptions that the
    node swallows can be seen.
    """

    def __init__(self, node: BacktestNode, details: RunDetails, sink: StoreSink) -> None:
        self._node = node
        self._details = details
        self._sink = sink
        self._failures: dict[str, BaseException] = {}
        self._is_attached = False

    @property
    def has_run(self) -> bool:
        """Tell whether an engine of the node has begun a run already."""
        return any(engine.run_id is not None for engine in self._node.get_engines())

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this node already."""
        if id(self._node) in WATCHED_NODES:
            return
        WATCHED_NODES.add(id(self._node))
        self._is_attached = True
        with guarded("watch the node"):
            for name, stand_in in ((BUILD, self._build), (RUN, self._run)):
                # A partial is no frame of ours in the traceback that the node logs.
                setattr(self._node, name, partial(stand_in, getattr(self._node, name)))

    def detach(self, _: BaseException | None = None) -> None:
        """Save the runs whose engine could not be built, and leave the node as it was."""
        if not self._is_attached:
            return
        self._is_attached = False
        WATCHED_NODES.discard(id(self._node))
        for name in (BUILD, RUN):
            with suppress(AttributeError):
                delattr(self._node, name)
        for run_config_id in [*self._failures]:
            self._save_unbuilt(run_config_id)

    def _build(self, original: Callable[..., Any], run_config_id: str, **named: Any) -> Any:
        try:
            return original(run_config_id, **named)
        except BaseException as error:
            leave_no_trace(error)
            self._failures[run_config_id] = error
            raise

    def _run(self, original: Callable[..., Any], run_config_id: str, **named: Any) -> Any:
        recorder = self._begin(run_config_id)
        try:
            result = original(run_config_id=run_config_id, **named)
        except BaseException as error:
            leave_no_trace(error)
            if recorder is not None:
                recorder.detach(error)
            raise
        if recorder is not None:
            recorder.detach(must_have_run=True)
        return result

    def _begin(self, run_config_id: str) -> EngineRecorder | None:
        """Watch the engine of a run; if it could not be built, that was the run."""
        engine = self._node.get_engine(run_config_id)
        if engine is None or run_config_id in self._failures:
            self._save_unbuilt(run_config_id)
            return None
        recorder = EngineRecorder(engine, self._details_of(run_config_id), self._sink)
        recorder.attach()
        return recorder

    def _save_unbuilt(self, run_config_id: str) -> None:
        """Save a run that never began, since its engine could not be built."""
        with guarded("save the run"):
            error = self._failures.pop(run_config_id, None)
            config = self._config(run_config_id)
            if error is not None and config is not None:
                details = self._details_of(run_config_id)
                self._sink.save(failed_to_build(config, details, outcome_of(error)), None)

    def _config(self, run_config_id: str) -> BacktestRunConfig | None:
        return next((c for c in self._node.configs if c.id == run_config_id), None)

    def _details_of(self, run_config_id: str) -> RunDetails:
        """Return the caller's details, and for what the caller left open the configuration's."""
        details, config = self._details, self._config(run_config_id)
        if config is None:
            return details
        with guarded("read the run configuration"):
            details = replace(
                details,
                config_snapshot=details.config_snapshot or node_snapshot(config),
                data_source=details.data_source or catalogs_of(config),
            )
        return details  # noqa: RET504 - what the guard keeps from failing may not have happened
