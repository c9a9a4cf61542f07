"""Record the runs of a 2.0 node, which makes its engine, and lets go of it, where nobody sees it.

What the node was asked is heard from its class's methods, as an engine's is. A node that disposes
of its engine empties cache and portfolio when it has the result; the last that happens before is
that its components are disposed of, and there what the run came to is copied.
"""

from __future__ import annotations

import inspect
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial, wraps
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import uuid4

from backtest_store.capture.details import Details, leave_no_trace
from backtest_store.capture.engines.backtest import Follower
from backtest_store.capture.engines.v2.asked import Asked, Component
from backtest_store.capture.engines.v2.backtest import SecondEngine
from backtest_store.capture.engines.v2.callbacks import forget, watched
from backtest_store.capture.engines.v2.description import KINDS
from backtest_store.capture.engines.v2.methods import COMPONENTS
from backtest_store.capture.guard import attempt, guarded
from backtest_store.capture.recorder import EngineRecorder, Sink
from backtest_store.capture.result import Results, measured
from backtest_store.models import Record

REMEMBERED = 64
DISPOSED = "on_dispose"
LOST = (
    "the node disposed of its engine, and no component of Python told what it came to;"
    " set dispose_on_completion=False"
)
SHOWN_BY_RESULT = (
    "run_id",
    "run_started",
    "run_finished",
    "backtest_start",
    "backtest_end",
)


class NodeFollower(Protocol):
    """What wants to hear of a node's run."""

    def ran(self, node: Any, run: Callable[[], Any]) -> Any:
        """Have the node run, by calling a function, and return what that returns."""


class NodeEngine:
    """The engine of a node, as far as the node, its result and its components show it."""

    def __init__(self, node: Any, config_id: str) -> None:
        self.instance_id = str(uuid4())
        self.iteration = 0
        self.run_id: Any = None
        self.run_started: int | None = None
        self.run_finished: int | None = None
        self.backtest_start: int | None = None
        self.backtest_end: int | None = None
        self.cache: Any = None
        self.portfolio: Any = None
        self.result: Any = None
        self.is_kept = False
        self._node, self._id = node, config_id
        venue = import_module(f"{_package(node)}.model").Venue
        self._venues = [venue(config.name) for config in node.configs[0].venues]
        self.look()

    def look(self) -> None:
        """Take the cache and the portfolio of the engine, if the node has it."""
        with suppress(RuntimeError):
            self.cache = self._node.get_engine_cache(self._id)
            self.portfolio = self._node.get_engine_portfolio(self._id)

    def take(self, results: Any) -> None:
        """Take the result of the run."""
        for result in results or ():
            self.result, self.iteration = result, result.iterations
            for name in SHOWN_BY_RESULT:
                setattr(self, name, getattr(result, name))

    def list_venues(self) -> list[Any]:
        """Return the venues of the node's configuration."""
        return self._venues

    def get_result(self) -> Any:
        """Return the result of the run."""
        return self.result


def keep(engine: NodeEngine) -> None:
    """Copy all that valuing an engine's accounts needs, before the engine empties it."""
    cache, portfolio, venues = engine.cache, engine.portfolio, engine.list_venues()
    instruments, ids = cache.instruments(), cache.instrument_ids()
    accounts = {str(venue): cache.account_for_venue(venue) for venue in venues}
    orders, positions = cache.orders(), cache.positions()
    earlier = cache.position_snapshots()
    known = [account.id for account in accounts.values() if account is not None]
    snapshots = {str(one): portfolio.snapshots(one) for one in known}
    equity = {str(venue): portfolio.equity(venue=venue) for venue in venues}
    gains = {str(venue): portfolio.unrealized_pnls(venue=venue) for venue in venues}
    missing = {str(venue): portfolio.missing_price_instruments(venue) for venue in venues}
    engine.cache = SimpleNamespace(
        instruments=lambda: instruments,
        instrument=lambda one: next((i for i in instruments if i.id == one), None),
        instrument_ids=lambda: ids,
        account_for_venue=lambda venue: accounts[str(venue)],
        orders=lambda: orders,
        positions=lambda: positions,
        position_snapshots=lambda: earlier,
    )
    engine.portfolio = SimpleNamespace(
        snapshots=lambda one: snapshots[str(one)],
        equity=lambda venue: equity[str(venue)],
        unrealized_pnls=lambda venue: gains[str(venue)],
        missing_price_instruments=lambda venue: missing[str(venue)],
    )
    engine.is_kept = True


class SecondNodeRecorder:
    """Watches a node from `attach` to `detach`, and hands its run to a sink."""

    def __init__(self, node: Any, details: Details, sink: Sink) -> None:
        self._node = node
        self._details = details
        self._sink = sink

    def attach(self) -> None:
        """Begin to watch, unless another recorder watches this node already."""
        watch_node_class(type(self._node))
        _followers.setdefault(_key(self._node), self)

    def detach(self, _: BaseException | None = None) -> None:
        """Leave the node."""
        if _followers.get(_key(self._node)) is self:
            del _followers[_key(self._node)]

    def _said(self, node: Any) -> Details:
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
            asked = _asked_of(node)
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


def _end(node: Any, engine: NodeEngine, asked: Asked, results: Any, recorder: Any) -> None:
    with guarded("read the result"):
        asked.is_under_way = False
        engine.take(results)
        if not node.configs[0].dispose_on_completion:
            engine.look()
            engine.is_kept = True
    if results:
        recorder.detach(must_have_run=True)
        return
    recorder.detach(RuntimeError("the node made no result; its log says why"))


class NodeBacktest(SecondEngine):
    """Tells of the engine of a node."""

    def follow(self, follower: Follower) -> bool:
        """Have a follower hear of the engine's runs: the node's recorder tells it."""
        self._follower = follower
        forget(self._key)
        return True

    def leave(self, follower: Follower) -> None:  # noqa: ARG002
        """Have a follower hear no more."""
        self._follower = None

    def with_metrics(self, record: Record, warnings: Sequence[str]) -> Record:
        """Add to the record how the run went, if that was seen before the node let go of it."""
        if self.engine.is_kept:
            return super().with_metrics(record, warnings)
        statistics = attempt("read statistics", self._statistics, {})
        results = Results(
            valuation=self._accounts(),
            curve=None,
            ledger=None,
            unrealised=None,
            final_balance=None,
            opening_price=self._prices.opening,
            closing_price=self._prices.closing,
            engine_stats=statistics,
        )
        return measured(record, results, [*warnings, LOST])


_followers: dict[str, NodeFollower] = {}
_running: list[NodeEngine | None] = []
_nodes: OrderedDict[str, Asked] = OrderedDict()
_classes: set[type] = set()
_makers: list[Callable[[Any], Any]] = []


def follow_every_node(make: Callable[[Any], Any]) -> None:
    """Have a follower made for every node without one, as soon as it runs."""
    _makers.append(make)


def watch_node_class(node_class: type) -> None:
    """Replace the methods of a node's class, for good."""
    if node_class in _classes:
        return
    _classes.add(node_class)
    patched: Any = node_class
    patched.__init__ = _made
    hows = ("", "_from_config")
    methods = [(f"add_{single}{how}", kind) for kind, single in KINDS.items() for how in hows]
    for name, kind in [*methods, ("add_builtin_strategy", "strategies")]:
        if hasattr(node_class, name):  # the node of 1.231 lacks some
            _replace(patched, name, kind)
    patched.run = _run(patched.run)
    package = node_class.__module__.rpartition(".")[0]
    for home, name in COMPONENTS:
        _watch_disposal(getattr(import_module(f"{package}.{home}"), name))


def _package(node: Any) -> str:
    return str(type(node).__module__.rpartition(".")[0])


def _key(node: Any) -> str:
    return str(node.configs[0].id)


def _made(node: Any, *_: Any, **__: Any) -> None:
    with guarded("watch the node"):
        _remember(node, is_whole=True)


def _asked_of(node: Any) -> Asked:
    found = _nodes.get(_key(node))
    return _remember(node, is_whole=False) if found is None else found


def _remember(node: Any, *, is_whole: bool) -> Asked:
    config = node.configs[0]
    asked = Asked(is_whole=is_whole, config=config.engine, has_all_data=False)
    asked.venues = [_venue(node, venue) for venue in config.venues]
    with guarded("read the catalog"):
        asked.held = [tuple(_data(node, config, data)) for data in config.data]
        asked.has_all_data = True
    _nodes[_key(node)] = asked
    while len(_nodes) > REMEMBERED:
        _nodes.popitem(last=False)
    return asked


def _venue(node: Any, config: Any) -> dict[str, Any]:
    """Return the settings of a venue, under the names by which an engine is told them."""
    money = import_module(f"{_package(node)}.model").Money
    names = [name for name in dir(type(config)) if not name.startswith("_")]
    said = {name: getattr(config, name) for name in names}
    balances = [money.from_str(text) for text in config.starting_balances]
    return said | {"venue": said.pop("name"), "starting_balances": balances}


QUERIES = {
    "Bar": "query_bars",
    "QuoteTick": "query_quote_ticks",
    "TradeTick": "query_trade_ticks",
    "OrderBookDelta": "query_order_book_deltas",
    "OrderBookDepth": "query_order_book_depths",
}


def _data(node: Any, config: Any, data: Any) -> list[Any]:
    """Read what the node reads of a catalog."""
    catalog = import_module(f"{_package(node)}.persistence").ParquetDataCatalog
    if data.catalog_fs_storage_option_keys or data.catalog_fs_rust_storage_option_keys:
        raise ValueError("its storage options are not shown")
    protocol = data.catalog_fs_protocol
    path = data.catalog_path if protocol in {None, "file"} else f"{protocol}://{data.catalog_path}"
    kind = str(data.data_type).rpartition(".")[2]
    query = getattr(catalog(path), QUERIES[kind])
    given: list[Any] = query(
        _identifiers(data),
        _last(max, data.start_time, config.start),
        _last(min, data.end_time, config.end),
        data.filter_expr,
    )
    return given


def _identifiers(data: Any) -> list[str] | None:
    if data.bar_types:
        return list(data.bar_types)
    ids = [str(i) for i in data.instrument_ids or [data.instrument_id] if i is not None]
    if data.bar_spec is not None:
        return [f"{one}-{data.bar_spec}-EXTERNAL" for one in ids]
    return ids or None


def _last(choose: Callable[[Iterator[int]], int], *times: int | None) -> int | None:
    known = [time for time in times if time is not None]
    return choose(iter(known)) if known else None


def _replace(node_class: Any, name: str, kind: str) -> None:
    original = getattr(node_class, name)
    signature = inspect.signature(original)

    @wraps(original)
    def method(node: Any, *args: Any, **named: Any) -> Any:
        try:
            result = original(node, *args, **named)
        except BaseException as error:
            leave_no_trace(error)
            raise
        with guarded("watch the node"):
            said = signature.bind(node, *args, **named).arguments
            config = said.get("config")
            instance = next((said[n] for n in KINDS.values() if n in said), None)
            one = Component(kind, instance, config, said.get("type_name"))
            _asked_of(node).components.append(one)
        return result

    setattr(node_class, name, method)


def _run(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def run(node: Any) -> Any:
        with guarded("watch the node"):
            for make in () if _key(node) in _followers else _makers:
                make(node).attach()
        follower = _followers.get(_key(node))
        try:
            if follower is None:
                return original(node)
            return follower.ran(node, lambda: _watched_run(original, node))
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


def _hear_of_disposal(asked: Asked) -> None:
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
            keep(engine)
