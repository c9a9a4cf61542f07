"""Record every engine and node of a process that knows nothing of us.

NautilusTrader's modules are found as they are imported: whoever imports the classes, in whatever
way, gets NautilusTrader's own, of whose runs we hear.
"""

from __future__ import annotations

import sys
from functools import wraps
from types import ModuleType
from typing import Any
from weakref import WeakSet

from backtest_store.capture.end_status import leave_no_trace
from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.capture.engines.listeners import listen_to_every_engine
from backtest_store.capture.engines.nautilus1.engine_methods import wrap_methods
from backtest_store.capture.engines.nautilus1.node import NodeRecorder
from backtest_store.capture.engines.nautilus2.node import Nautilus2NodeRecorder, watch_classes
from backtest_store.capture.engines.supported_versions import unsupported
from backtest_store.capture.import_hook import RUST_ENGINE_MODULES, ImportHook
from backtest_store.capture.run_details import RunDetails
from backtest_store.log import get_logger

BACKTESTS = "nautilus_trader.backtest"
ENGINE_MODULE = "nautilus_trader.backtest.engine"
NODE_MODULE = "nautilus_trader.backtest.node"
MODULES = (ENGINE_MODULE, NODE_MODULE, *RUST_ENGINE_MODULES)


class ProcessRecorder(ImportHook):
    """Hears of each run of each engine and node, as soon as NautilusTrader is imported."""

    def __init__(self, details: RunDetails, sink: StoreSink) -> None:
        super().__init__(MODULES, self.watch_module)
        self._details = details
        self._sink = sink
        self._recorders: WeakSet[EngineRecorder] = WeakSet()
        self._reason = unsupported()

    def install(self) -> None:
        """Watch what is imported already, and wait for what is not."""
        if self._reason is None:
            super().install()

    def finish(self) -> None:
        """Save the runs that never reached their end; say so if none could be recorded."""
        for recorder in list(self._recorders):
            recorder.detach()
        if self._reason is not None and BACKTESTS in sys.modules:
            get_logger().warning(f"no run was recorded: {self._reason}")

    def watch_module(self, module: ModuleType) -> None:
        """Have the runs heard of that the class of a module makes."""
        if module.__name__ == ENGINE_MODULE:
            wrap_methods()
            listen_to_every_engine(self._recorder)
        elif module.__name__ == NODE_MODULE:
            self._watch_nodes(module.BacktestNode, NodeRecorder)
        elif hasattr(module, "BacktestEngine"):
            watch_classes(module)  # of 2.0, also those in 1.231
            listen_to_every_engine(self._recorder)
            self._watch_nodes(module.BacktestNode, Nautilus2NodeRecorder)

    def _recorder(self, engine: Any) -> EngineRecorder:
        recorder = EngineRecorder(engine, self._details, self._sink, is_for_one_run=True)
        self._recorders.add(recorder)
        recorder.attach()
        return recorder

    def _watch_nodes(
        self, node_class: Any, kind: type[NodeRecorder | Nautilus2NodeRecorder]
    ) -> None:
        """Have every run of a node recorded."""
        original = node_class.run

        @wraps(original)
        def run(node: Any) -> Any:
            recorder = kind(node, self._details, self._sink)
            recorder.attach()
            try:
                results = original(node)
            except BaseException as error:
                leave_no_trace(error)
                recorder.detach(error)
                raise
            recorder.detach()
            return results

        node_class.run = run
