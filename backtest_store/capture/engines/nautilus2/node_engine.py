"""The engine of a 2.0 node, as far as the node, its result and its components show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from threading import get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakValueDictionary

from backtest_store.capture.engines.nautilus2.backtest import Nautilus2Engine
from backtest_store.capture.engines.nautilus2.callbacks import forget
from backtest_store.capture.engines.nautilus2.engine_methods import COMPONENTS, noting_before
from backtest_store.capture.engines.nautilus2.node_config import package_of
from backtest_store.capture.error_boundary import attempt, guarded
from backtest_store.capture.run_metrics import Results, measured
from backtest_store.models import Record

if TYPE_CHECKING:
    from backtest_store.capture.engine_recorder import EngineRecorder

LOST = (
    "the node disposed of its engine, which did not tell before what the run came to;"
    " set dispose_on_completion=False"
)
LAST = 1 << 7  # the flag of the last of several changes of an order book
SHOWN_BY_RESULT = (
    "run_id",
    "run_started",
    "run_finished",
    "backtest_start",
    "backtest_end",
)


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
        self.result: Any = None
        self.is_kept = False
        self._copy: SimpleNamespace | None = None
        self._node, self._id = node, config_id
        venue = import_module(f"{package_of(node)}.model").Venue
        self._venues = [venue(config.name) for config in node.configs[0].venues]
        self._look()
        self._hear_of_the_end()

    def _hear_of_the_end(self) -> None:
        """Look at the cache whenever the engine computes its statistics, at last before it goes.

        The portfolio of 1.231 takes no statistics: there the disposal of a component tells.
        """
        with suppress(RuntimeError):  # there is no engine
            portfolio = self._node.get_engine_portfolio(self._id)
            if hasattr(portfolio, "register_statistic"):
                portfolio.register_statistic(Witness(self.keep))
                return
            for home, name in COMPONENTS:
                component = getattr(import_module(f"{package_of(self._node)}.{home}"), name)
                noting_before(component, "on_dispose", _keep_newest)
            _newest[get_ident()] = self

    def keep(self) -> None:
        """Copy what the run came to so far, before the engine empties its cache."""
        with guarded("read the result"):
            self._copy = _copied(self.cache, self.list_venues())

    def _look(self) -> None:
        """Take the cache of the engine, if the node has it."""
        with suppress(RuntimeError):
            self.cache = self._node.get_engine_cache(self._id)

    def take(self, results: Any) -> None:
        """Take the result of the run, and what the engine's cache came to."""
        if not self._node.configs[0].dispose_on_completion:
            self._look()
            self.is_kept = True
        elif self._copy is not None:
            self.cache, self.is_kept = self._copy, True
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


_newest: WeakValueDictionary[int, NodeEngine] = WeakValueDictionary()  # by thread


def _keep_newest(*_: object) -> None:
    engine = _newest.get(get_ident())
    if engine is not None and not engine.is_kept:
        engine.keep()


class Witness:
    """A statistic that computes nothing, and tells when it is asked to."""

    name = "backtest-store"

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def calculate_from_positions(self, *_: object) -> None:
        """Tell, and let the engine have no such statistic."""
        self._tell()


def _copied(cache: Any, venues: list[Any]) -> SimpleNamespace:
    instruments, ids = cache.instruments(), cache.instrument_ids()
    accounts = {str(venue): cache.account_for_venue(venue) for venue in venues}
    orders, positions = cache.orders(), cache.positions()
    earlier = cache.position_snapshots()
    return SimpleNamespace(
        instruments=lambda: instruments,
        instrument=lambda one: next((i for i in instruments if i.id == one), None),
        instrument_ids=lambda: ids,
        account_for_venue=lambda venue: accounts[str(venue)],
        orders=lambda: orders,
        positions=lambda: positions,
        position_snapshots=lambda: earlier,
    )


class NodeBacktest(Nautilus2Engine):
    """Tells of the engine of a node."""

    def follow(self, listener: EngineRecorder) -> bool:
        """Have a listener hear of the engine's runs: the node's recorder tells it."""
        self._listener = listener
        forget(self._key)
        return True

    def leave(self, listener: EngineRecorder) -> None:  # noqa: ARG002
        """Have a listener hear no more."""
        self._listener = None

    def _steps(self, data: Sequence[Any]) -> int:
        """Return how many iterations the engine makes of data: a node joins changes of a book."""
        return sum(getattr(one, "flags", LAST) & LAST != 0 for one in data)

    def with_metrics(self, record: Record, warnings: Sequence[str]) -> Record:
        """Add to the record how the run went, if that was seen before the node let go of it."""
        if self.engine.is_kept:
            return super().with_metrics(record, warnings)
        statistics = attempt("read statistics", self._statistics, {})
        results = Results(
            valuation=self._accounts(),
            opening_price=self._prices.opening,
            closing_price=self._prices.closing,
            engine_stats=statistics,
        )
        return measured(record, results, [*warnings, LOST])
