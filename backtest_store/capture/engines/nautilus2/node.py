"""Record the runs of a 2.0 node, which makes its engine, and lets go of it, where nobody sees it.

What the node was asked is heard from its class's methods, as an engine's is. A node that disposes
of its engine empties cache and portfolio when it has the result; before that the engine computes
its statistics, on 1.231 disposes of its components, and there what the run came to is copied.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from types import ModuleType
from typing import Any

from backtest_store.capture.end_status import leave_no_trace
from backtest_store.capture.engine_recorder import EngineRecorder, StoreSink
from backtest_store.capture.engines.nautilus2.callbacks import watched
from backtest_store.capture.engines.nautilus2.engine_methods import note_requests, watch_class
from backtest_store.capture.engines.nautilus2.engine_requests import EngineRequests
from backtest_store.capture.engines.nautilus2.node_config import data_of, venue_of
from backtest_store.capture.engines.nautilus2.node_engine import NodeBacktest, NodeEngine
from backtest_store.capture.error_boundary import guarded
from backtest_store.capture.run_details import RunDetails

REMEMBERED = 64


class Nautilus2NodeRecorder:
    """Watches a node from `attach` to `detach`, and hands its run to a sink."""

    def __init__(self, node: Any, details: RunDetails, sink: StoreSink) -> None:
        self._node = node
        self._key: str | None = None
        with suppress(RuntimeError):  # Rust lends a node to one caller, and so to its run alone
            self._key = _key(node)
        self._details = details
        self._sink = sink

    @property
    def has_run(self) -> bool:
        """Tell whether the node has begun a run already: one under way shows nothing."""
        return self._key is None or self._key in _begun

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this node already."""
        watch_node_class(type(self._node))
        if self._key is not None:
            _listeners.setdefault(self._key, self)

    def detach(self, _: BaseException | None = None) -> None:
        """Leave the node."""
        if self._key is not None and _listeners.get(self._key) is self:
            del _listeners[self._key]

    def _said(self, node: Any) -> RunDetails:
        """Return what the caller says, and where the data is from."""
        if self._details.data_source is not None:
            return self._details
        paths = dict.fromkeys(str(data.catalog_path) for data in node.configs[0].data)
        return replace(self._details, data_source=", ".join(paths) or None)

    def ran(self, node: Any, run: Callable[[Any], Any]) -> Any:
        """Have the node run, by a function, and record it."""
        engine = recorder = None
        with guarded("watch the node"):
            with suppress(Exception):  # it says so again when it runs
                node.build()
            engine = NodeEngine(node, node.configs[0].id)
            asked = _requests_of(node)
            backtest = NodeBacktest(engine, asked)
            recorder = EngineRecorder(engine, self._said(node), self._sink, backtest=backtest)
            recorder.attach()
            asked.begin(node.configs[0].start, node.configs[0].end)
            recorder.began()
        try:
            key = "" if engine is None else engine.instance_id
            with watched(key, sys._getframe()):  # noqa: SLF001 - the public way to it
                results = run(node)
        except BaseException as error:
            if recorder is not None:
                recorder.detach(error)
            raise
        if recorder is not None and engine is not None:
            _end(engine, asked, results, recorder)
        return results


def _end(engine: NodeEngine, asked: EngineRequests, results: Any, recorder: EngineRecorder) -> None:
    with guarded("read the result"):
        asked.is_under_way = False
        engine.take(results)
    if results:
        recorder.detach(must_have_run=True)
        return
    recorder.detach(RuntimeError("the node made no result; its log says why"))


_listeners: dict[str, Nautilus2NodeRecorder] = {}
_begun: deque[str] = deque(maxlen=REMEMBERED)
_nodes: OrderedDict[str, EngineRequests] = OrderedDict()
_classes: set[type] = set()


def watch_classes(module: ModuleType) -> None:
    """Hear from now on what engines and nodes are asked whose classes a module has, if it has."""
    if hasattr(module, "BacktestEngine"):
        with guarded("watch the second engine"):
            watch_class(module.BacktestEngine)
        with guarded("watch the second engine's node"):
            watch_node_class(module.BacktestNode)


def watch_node_class(node_class: type) -> None:
    """Replace the methods of a node's class, for good."""
    if node_class in _classes:
        return
    _classes.add(node_class)
    patched: Any = node_class
    patched.__init__ = _made
    note_requests(node_class, _requests_of)
    patched.run = _run(patched.run)


def _key(node: Any) -> str:
    return str(node.configs[0].id)


def _made(node: Any, *_: Any, **__: Any) -> None:
    with guarded("watch the node"):
        _remember(node, is_whole=True)


def _requests_of(node: Any) -> EngineRequests:
    found = _nodes.get(_key(node))
    return _remember(node, is_whole=False) if found is None else found


def _remember(node: Any, *, is_whole: bool) -> EngineRequests:
    config = node.configs[0]
    asked = EngineRequests(is_whole=is_whole, config=config.engine, has_all_data=False)
    asked.venues = [venue_of(node, venue) for venue in config.venues]
    with guarded("read the catalog"):
        asked.held = [tuple(data_of(node, config, data)) for data in config.data]
        asked.has_all_data = True
    _nodes[_key(node)] = asked
    while len(_nodes) > REMEMBERED:
        _nodes.popitem(last=False)
    return asked


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def run(node: Any) -> Any:
        with guarded("watch the node"):
            _begun.append(_key(node))
        listener = _listeners.get(_key(node))
        try:
            return original(node) if listener is None else listener.ran(node, original)
        except BaseException as error:
            leave_no_trace(error)
            raise

    return run
