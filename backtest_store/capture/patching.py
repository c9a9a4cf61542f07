"""Record every engine and node of a process that knows nothing of us.

NautilusTrader's two classes are exchanged in the modules that define them, at the moment these are
imported: whoever imports the classes, in whatever way, gets ours. An engine is a subclass, since a
class written in Cython cannot be changed; it has the name of the original, which the engine's log
shows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any
from weakref import WeakSet

from backtest_store.capture.details import Details, leave_no_trace
from backtest_store.capture.engines.release import unsupported
from backtest_store.capture.recorder import EngineRecorder, Sink
from backtest_store.log import get_logger

BACKTESTS = "nautilus_trader.backtest"
ENGINE_MODULE = "nautilus_trader.backtest.engine"
NODE_MODULE = "nautilus_trader.backtest.node"
RECORDER = "_backtest_store_recorder"


class Patch(MetaPathFinder):
    """Exchanges NautilusTrader's classes for ones that record, as soon as they are imported."""

    def __init__(self, details: Details, sink: Sink) -> None:
        self._details = details
        self._sink = sink
        self._recorders: WeakSet[EngineRecorder] = WeakSet()
        self._reason = unsupported()

    def install(self) -> None:
        """Exchange what is imported already, and wait for what is not."""
        if self._reason is not None:
            return
        for name in (ENGINE_MODULE, NODE_MODULE):
            if name in sys.modules:
                self.exchange(sys.modules[name])
        sys.meta_path.insert(0, self)

    def finish(self) -> None:
        """Save the runs that never reached their end; say so if none could be recorded."""
        for recorder in list(self._recorders):
            recorder.detach()
        if self._reason is not None and BACKTESTS in sys.modules:
            get_logger().warning(f"no run was recorded: {self._reason}")

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the two modules as everybody does, and stay with it while it is loaded."""
        if name not in (ENGINE_MODULE, NODE_MODULE):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)
        return spec

    def exchange(self, module: ModuleType) -> None:
        """Exchange the class that a module defines."""
        if module.__name__ == ENGINE_MODULE:
            module.BacktestEngine = self._engine(module.BacktestEngine)  # type: ignore[attr-defined]
        else:
            module.BacktestNode.run = self._node_run(module.BacktestNode.run)

    def _engine(self, original: Any) -> type:
        """Make a subclass of the engine that records its runs."""
        patch = self

        @wraps(original.run)
        def run(engine: Any, *args: Any, **named: Any) -> None:
            recorder = patch._recorder(engine)
            try:
                original.run(engine, *args, **named)
            except BaseException as error:
                leave_no_trace(error)
                recorder.detach(error)
                raise

        @wraps(original.end)
        def end(engine: Any) -> None:
            try:
                original.end(engine)
            except BaseException as error:
                leave_no_trace(error)
                raise
            patch._recorder(engine, must_be_attached=False).detach()

        names = {name: getattr(original, name) for name in ("__module__", "__doc__")}
        return type(original.__name__, (original,), {**names, "run": run, "end": end})

    def _recorder(self, engine: Any, *, must_be_attached: bool = True) -> EngineRecorder:
        recorder: EngineRecorder | None = vars(engine).get(RECORDER)
        if recorder is None:
            recorder = EngineRecorder(engine, self._details, self._sink)
            setattr(engine, RECORDER, recorder)
            self._recorders.add(recorder)
        if must_be_attached:
            recorder.attach()
        return recorder

    def _node_run(self, original: Any) -> Any:
        """Make a node's `run` that records."""
        from backtest_store.capture.node import NodeRecorder

        @wraps(original)
        def run(node: Any) -> Any:
            recorder = NodeRecorder(node, self._details, self._sink)
            recorder.attach()
            try:
                results = original(node)
            except BaseException as error:
                leave_no_trace(error)
                recorder.detach(error)
                raise
            recorder.detach()
            return results

        return run


class _Loader(Loader):
    """Loads a module as its own loader does, and then has its class exchanged."""

    def __init__(self, loader: Loader, patch: Patch) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Let the module's own loader create it."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Let the module's own loader execute it, and step aside."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._patch.exchange(module)
