"""What an engine was asked, from the calls of the methods by which it is told.

The engine shows nobody its venues, its data or its strategies, and can neither be subclassed nor
given attributes. But its class can be given other methods, and these see everything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from threading import get_ident
from typing import Any

from backtest_store.capture.identity.code.source import NUMPY, RANDOM
from backtest_store.capture.identity.components import attributes
from backtest_store.capture.identity.config_hash import random_states
from backtest_store.models import Json

REMEMBERED = 256  # engines; one that is not disposed of cannot be seen to go
DATA_KEPT = 16  # engines that have run and may run again with the data that they have
ARRIVAL = attrgetter("ts_init")

Portion = Sequence[Any]


@dataclass(frozen=True)
class Component:
    """A strategy, an actor or an execution algorithm: an instance, or a configuration of one."""

    kind: str
    instance: Any = None
    config: Any = None
    built_in: str | None = None


@dataclass
class EngineRequests:
    """What one engine was asked since it was made, or since it was first heard of.

    `is_whole` tells whether it was heard of from the beginning. `held` is the data that the engine
    has now, `replayed` all that its run has been given, also what was cleared since, and `fresh`
    what of it came last. `attributes` and `chance` are the states of the components and of the
    generators when the run began.
    """

    is_whole: bool
    config: Any = None
    venues: list[dict[str, Any]] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    held: list[Portion] = field(default_factory=list)
    replayed: list[Portion] = field(default_factory=list)
    fresh: list[Portion] = field(default_factory=list)
    has_all_data: bool = True
    runs: int = 0
    start: int | None = None
    end: int | None = None
    is_under_way: bool = False
    thread: int | None = None
    shutdown: tuple[str, str | None] | None = None
    attributes: list[Json] = field(default_factory=list)
    chance: Json = field(default_factory=dict)
    _ordered: list[Any] | None = None

    def begin(self, start: int | None, end: int | None) -> None:
        """Note that a run begins."""
        self.runs += 1
        self.replayed = [*self.held]
        self._ordered = None
        self.start, self.end, self.shutdown = start, end, None
        self.is_under_way, self.thread = True, get_ident()
        instances = [one.instance for one in self.components if one.instance is not None]
        self.attributes = [attributes(instance) for instance in instances]
        self.chance = random_states({RANDOM, NUMPY})

    def go_on(self, end: int | None) -> None:
        """Note that a run goes on, and the data that it got since."""
        known = set(map(id, self.replayed))
        self.fresh = [portion for portion in self.held if id(portion) not in known]
        self.replayed += self.fresh
        self._ordered = None
        self.end = end

    def data(self) -> list[Any]:
        """Return the data of the run, or before it the data that is held, as it is replayed."""
        if not self.runs:
            return in_order(self.held)
        if self._ordered is None:
            self._ordered = in_order(self.replayed)
        return self._ordered

    def forget_data(self) -> None:
        """Let go of the data: the engine goes, or is one of too many."""
        self.held, self.replayed, self.has_all_data = [], [], False
        self._ordered = None


def in_order(portions: Sequence[Portion]) -> list[Any]:
    """Return data in the order in which an engine replays it."""
    return sorted(chain.from_iterable(portions), key=ARRIVAL)


_asked: OrderedDict[str, EngineRequests] = OrderedDict()


def requests_of(engine: Any) -> EngineRequests:
    """Return what an engine was asked; of one not heard of before, nothing is known."""
    key = str(engine.instance_id)
    if key not in _asked:
        _remember(key, EngineRequests(is_whole=False, has_all_data=False))
    return _asked[key]


def note_construction(engine: Any, config: Any) -> None:
    """Note that an engine was made."""
    _remember(str(engine.instance_id), EngineRequests(is_whole=True, config=config))


def _remember(key: str, asked: EngineRequests) -> None:
    _asked.pop(key, None)
    _asked[key] = asked
    while len(_asked) > REMEMBERED:
        _asked.popitem(last=False)
    for old in [a for a in _asked.values() if a.runs and not a.is_under_way][:-DATA_KEPT]:
        old.forget_data()


def under_way() -> EngineRequests | None:
    """Return the engine that is in a run in this thread; the one that was made last can run."""
    here, newest_first = get_ident(), reversed(_asked.values())
    return next((a for a in newest_first if a.is_under_way and a.thread == here), None)
