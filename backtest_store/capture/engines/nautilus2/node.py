"""Record the runs of a 2.0 node, which makes its engine, and lets go of it, where nobody sees it.

What the node was asked is heard from its class's methods, as an engine's is. A node that disposes
of its engine empties cache and portfolio when it has the result; the last that happens before is
that its components are disposed of, and there what the run came to is copied.
"""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial, wraps
from importlib import import_module
from typing import Any

from backtest_store.capture.end_status import leave_no_trace
from backtest_store.capture.engines.nautilus2.callbacks import watched
from backtest_store.capture.engines.nautilus2.methods import COMPONENTS, note_requests
from backtest_store.capture.engines.nautilus2.node_config import data_of, venue_of
from backtest_store.capture.engines.nautilus2.node_engine import NodeBacktest, NodeEngine
from backtest_store.capture.engines.nautilus2.requests import EngineRequests
from backtest_store.capture.guard import guarded
from backtest_store.capture.recorder import EngineRecorder, StoreSink
from backtest_store.capture.run_details import RunDetails

REMEMBERED = 64
DISPOSED = "on_dispose"


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

    def ran(self, node: Any, run: Callable[[], Any]) -> Any:
        """Have the node run, and record it."""
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
            _hear_of_disposal(asked)
        _running.append(engine)
        try:
            results = run()
        except BaseException as error:
            if recorder is not None:
                recorder.detach(error)
            raise
        finally:
            _running.pop()
        if recorder is not None and engine is not None:
            _end(node, engine, asked, results, recorder)
        return results


def _end(node: Any, engine: NodeEngine, asked: EngineRequests, results: Any, recorder: Any) -> None:
    with guarded("read the result"):
        asked.is_under_way = False
        engine.take(results)
        if not node.configs[0].dispose_on_completion:
            engine.look()
            engine.is_kept = True
        engine.use_early()
    if results:
        recorder.detach(must_have_run=True)
        return
    recorder.detach(RuntimeError("the node made no result; its log says why"))


_listeners: dict[str, Nautilus2NodeRecorder] = {}
_running: list[NodeEngine | None] = []
_begun: deque[str] = deque(maxlen=REMEMBERED)
_nodes: OrderedDict[str, EngineRequests] = OrderedDict()
_classes: set[type] = set()
_makers: list[Callable[[Any], Any]] = []


def listen_to_every_node(make: Callable[[Any], Any]) -> None:
    """Have a listener made for every node without one, as soon as it runs."""
    _makers.append(make)


def watch_node_class(node_class: type) -> None:
    """Replace the methods of a node's class, for good."""
    if node_class in _classes:
        return
    _classes.add(node_class)
    patched: Any = node_class
    patched.__init__ = _made
    note_requests(node_class, _requests_of)
    patched.run = _run(patched.run)
    package = node_class.__module__.rpartition(".")[0]
    for home, name in COMPONENTS:
        _watch_disposal(getattr(import_module(f"{package}.{home}"), name))


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
            for make in () if _key(node) in _listeners else _makers:
                make(node).attach()
            _begun.append(_key(node))
        listener = _listeners.get(_key(node))
        try:
            if listener is None:
                return original(node)
            return listener.ran(node, lambda: _watched_run(original, node))
        except BaseException as error:
            leave_no_trace(error)
            raise

    return run


def _watched_run(original: Callable[..., Any], node: Any) -> Any:
    engine = _running[-1]
    key = "" if engine is None else engine.instance_id
    with watched(key, sys._getframe()):  # noqa: SLF001 - the public way to it
        return original(node)


def _watch_disposal(component_class: Any) -> None:
    """Hear that a component of a class is disposed of, unless its own class has a say in it."""
    original = getattr(component_class, DISPOSED)

    @wraps(original)
    def on_dispose(component: Any, *args: Any) -> Any:
        _keep_results()
        return original(component, *args)

    setattr(component_class, DISPOSED, on_dispose)


def _hear_of_disposal(asked: EngineRequests) -> None:
    """Hear of the disposal of components whose own classes handle it."""
    for instance in (one.instance for one in asked.components if one.instance is not None):
        own = getattr(instance, DISPOSED)
        if inspect.ismethod(own) and not hasattr(own, "__wrapped__"):
            setattr(instance, DISPOSED, partial(_disposed, instance))


def _disposed(component: Any, *args: Any) -> Any:
    _keep_results()
    delattr(component, DISPOSED)
    return getattr(component, DISPOSED)(*args)


def _keep_results() -> None:
    engine = _running[-1] if _running else None
    if engine is not None and not engine.is_kept and engine.cache is not None:
        with guarded("read the result"):
            engine.keep()
