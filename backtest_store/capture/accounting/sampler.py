"""Watch a run from its message bus: the equity at the end of each day, and each closed trade.

It is no actor and sets no timer. An actor would write lines to the engine's log and show up among
its components; a timer would make the engine settle its venues at a moment of its own, which moves
fills, expiries and rollovers. A subscription is seen by nobody, and what it is told costs 0.1 µs.

The close of a day is only known when the next day's first data arrives, and by then the venue has
matched orders against it. So a day is valued from what was known before: account states and
positions as of their last event before midnight, and prices less the newest data.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from backtest_store.capture.accounting.market import Market
from backtest_store.capture.accounting.valuation import Valuation, Worth
from backtest_store.capture.engines.v1 import listen
from backtest_store.capture.identity.market_data import moment

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.core.data import Data
    from nautilus_trader.model.events import PositionEvent

DAY = 86_400_000_000_000
NEVER = sys.maxsize
FIRST = 1 << 20  # before the portfolio (10) and every strategy (0) has seen the same message
DATA_TOPICS = ("data.bars.*EXTERNAL", "data.quotes.*", "data.trades.*", "data.book.de*")
POSITION_TOPIC = "events.position.*"


@dataclass
class Samples:
    """What was seen of one run."""

    days: list[tuple[date, Worth]] = field(default_factory=list)
    trades: list[PositionEvent] = field(default_factory=list)
    starting_capital: Decimal | None = None
    first: int | None = None
    last: int | None = None
    fault: str | None = None


class Sampler:
    """The subscriptions to one engine's message bus; they stay, and are idle between runs."""

    def __init__(self, engine: BacktestEngine) -> None:
        self._cache = engine.cache
        self._valuation: Valuation | None = None
        self.samples = Samples()
        self._idle()
        bus = engine.kernel.msgbus
        for topic in DATA_TOPICS:
            listen(bus, topic, self.on_data, FIRST)
        listen(bus, POSITION_TOPIC, self.on_position, FIRST)

    def watches(self, engine: BacktestEngine) -> bool:
        """Tell whether it is this engine that is watched."""
        return self._cache is engine.cache

    def begin(self, engine: BacktestEngine) -> None:
        """Start to watch a run whose accounts exist."""
        self.samples = Samples()
        self._valuation = Valuation(engine)
        self._positions: dict[object, PositionEvent] = {}
        self._day: int | None = None
        self._is_valued = True
        self._data_boundary = self._event_boundary = 0

    def end(self) -> Samples:
        """Value the final moment, stop to watch, and return what was seen."""
        samples = self.samples
        if self._day is not None and self._valuation is not None:
            worth = self._valuation.worth(self._cache.positions_open())
            samples.days.append((_date(self._day), worth))
            samples.last = self._latest.ts_init
            self._compare_positions()
            self._look_for_capital(None)
        self._idle()
        self.samples = Samples()
        return samples

    def _idle(self) -> None:
        self._valuation = None
        self._positions = {}
        self._day = None
        self._is_valued = True
        self._data_boundary = self._event_boundary = NEVER
        self._latest: Data = None
        self._heard: PositionEvent = None

    def on_data(self, data: Data) -> None:
        """Note the newest data; the first of a day closes the day before."""
        if data.ts_init >= self._data_boundary:
            try:
                self._open_day(data)
            except Exception as error:  # noqa: BLE001 - nothing of ours may reach the engine
                self._fail(error)
        self._latest = data

    def on_position(self, event: PositionEvent) -> None:
        """Note what became of a position; the first event of a day closes the day before."""
        if event is self._heard or self._data_boundary == NEVER:
            return
        self._heard = event
        try:
            if event.ts_event >= self._event_boundary:
                self._close_day(None)
                self._event_boundary = _midnight_after(event.ts_event)
            self._apply(event)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the engine
            self._fail(error)

    def _open_day(self, data: Data) -> None:
        self._close_day(data)
        if self.samples.first is None:
            self.samples.first = data.ts_init
        self._day = data.ts_init // DAY
        self._is_valued = False
        self._data_boundary = self._event_boundary = _midnight_after(data.ts_init)
        self._look_for_capital(None)

    def _close_day(self, fresh: Data | None) -> None:
        """Value the last day with market data, unless an event has closed it already."""
        if self._is_valued or self._day is None or self._valuation is None:
            return
        worth = self._valuation.worth(
            self._positions.values(), before=(self._day + 1) * DAY, fresh=fresh
        )
        self.samples.days.append((_date(self._day), worth))
        self._is_valued = True

    def _look_for_capital(self, fresh: Data | None) -> None:
        """Convert the starting capital at the first prices that allow it."""
        if self.samples.starting_capital is None and self._valuation is not None:
            market = Market(self._cache, fresh)
            self.samples.starting_capital = self._valuation.starting_capital(market)

    def _apply(self, event: PositionEvent) -> None:
        if event.side.name != "FLAT":
            self._positions[event.position_id] = event
            return
        self._positions.pop(event.position_id, None)
        self.samples.trades.append(event)

    def _compare_positions(self) -> None:
        """Find out whether events were missed, in which case the days between are not known."""
        missed = {p.id for p in self._cache.positions_open()} ^ set(self._positions)
        if missed and self.samples.fault is None:
            self.samples.fault = f"events of {len(missed)} positions were not seen"

    def _fail(self, error: Exception) -> None:
        self.samples.fault = f"{type(error).__name__}: {error}"
        self._data_boundary = NEVER


SAMPLERS: WeakValueDictionary[str, Sampler] = WeakValueDictionary()


def sampler_of(engine: BacktestEngine) -> Sampler:
    """Return the sampler of an engine, subscribing it the first time."""
    name = str(engine.instance_id)
    sampler = SAMPLERS.get(name)
    # Engines may be given the same id by their configuration.
    if sampler is None or not sampler.watches(engine):
        sampler = SAMPLERS[name] = Sampler(engine)
    return sampler


def _midnight_after(nanoseconds: int) -> int:
    return (nanoseconds // DAY + 1) * DAY


def _date(day: int) -> date:
    time = moment(day * DAY)
    assert time is not None  # noqa: S101 - a day was given
    return time.date()
