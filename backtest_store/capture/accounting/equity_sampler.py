"""Watch a run from its message bus: equity at the end of each day, and every fill.

It is no actor and sets no timer. An actor would write lines to the engine's log and show up among
its components; a timer would make the engine settle its venues at a moment of its own, which moves
fills, expiries and rollovers. A subscription is seen by nobody, and what it is told costs 0.1 µs.

The close of a day is only known when the next day's first data arrives, and by then the venue has
matched orders against it. So a day is valued from what was known before: account states and
positions as of their last event of that day, and prices less the newest data. Balances are copied
as they come, because the engine changes the account's earlier events in place.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from backtest_store.capture.accounting.capital import StartingCapital
from backtest_store.capture.accounting.days import beginning_of, date_of, day_of, midnight_after
from backtest_store.capture.accounting.fees_and_profits import (
    Ledger,
    currency_balances_of,
    fee_of,
)
from backtest_store.capture.accounting.prices_and_rates import Market
from backtest_store.capture.accounting.valuation import (
    AccountValue,
    Amounts,
    Valuation,
    summed,
    told_by,
)
from backtest_store.capture.engines.nautilus1.internals import listen

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.core.data import Data
    from nautilus_trader.model.events import AccountState, OrderFilled, PositionEvent

NEVER = sys.maxsize
AT_ONCE = -1
FIRST = 1 << 20  # before the portfolio (10) and every strategy (0) has seen the same message
DATA_TOPICS = ("data.bars.*EXTERNAL", "data.quotes.*", "data.trades.*", "data.book.de*")


@dataclass
class Samples:
    """What was seen of one run.

    `first` and `last` are the times of the market data in UNIX nanoseconds, `begins` the date on
    which the first of it begins, `opening_price` and `closing_price` those of the only instrument.
    """

    days: list[tuple[date, AccountValue]] = field(default_factory=list)
    ledger: Ledger | None = None
    starting_capital: Decimal | None = None
    begins: date | None = None
    first: int | None = None
    last: int | None = None
    opening_price: Decimal | None = None
    closing_price: Decimal | None = None
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
        for kind, handle in (
            ("position", self._book_position),
            ("fills", self._book_fee),
            ("account", self._note_balances),
        ):
            listen(bus, f"events.{kind}.*", partial(self._on_event, kind, handle), FIRST)

    def watches(self, engine: BacktestEngine) -> bool:
        """Tell whether it is this engine that is watched."""
        return self._cache is engine.cache

    def begin(self, engine: BacktestEngine) -> None:
        """Start to watch a run whose accounts exist."""
        self._valuation = Valuation(engine)
        self._capital = StartingCapital(self._valuation)
        self._balances: dict[object, Amounts] = dict(self._valuation.balances())
        self._held: Amounts | None = None
        self.samples = Samples(
            ledger=Ledger(self._valuation, currency_balances_of(self._valuation))
        )
        self._positions: dict[object, PositionEvent] = {}
        self._day: int | None = None
        self._midnight = NEVER
        self._is_valued = True
        self._data_boundary = AT_ONCE

    def end(self) -> Samples:
        """Value the final moment, stop to watch, and return what was seen."""
        samples = self.samples
        if self._day is not None and self._valuation is not None:
            self._value_final_moment(self._valuation)
        self._idle()
        self.samples = Samples()
        return samples

    def _value_final_moment(self, valuation: Valuation) -> None:
        samples, market = self.samples, Market(self._cache)
        if self._is_valued:  # by an event after the last data: what it changed is of that day
            samples.days.pop()
        held = summed(valuation.balances().values())
        value = valuation.value(held, self._cache.positions_open(), market)
        samples.days.append((date_of(self._day or 0), value))
        samples.last = self._latest.ts_init
        samples.closing_price = self._only_price(market)
        self._capital.look(market)
        samples.starting_capital = self._capital.amount
        self._compare_positions()

    def _idle(self) -> None:
        self._valuation = None
        self._balances = {}
        self._positions = {}
        self._day = None
        self._midnight = NEVER
        self._is_valued = True
        self._data_boundary = NEVER
        self._latest: Data = None
        self._handled: dict[str, object] = {}
        self._fill: OrderFilled | None = None
        self._flat_value: AccountValue | None = None

    def on_data(self, data: Data) -> None:
        """Note the newest data; the first of a day closes the day before."""
        if data.ts_init > self._data_boundary:
            try:
                self._look_closely(data)
            except Exception as error:  # noqa: BLE001 - nothing of ours may reach the engine
                self._fail(error)
        self._latest = data

    def _on_event(self, kind: str, handle: Callable[[Any], None], event: Any) -> None:
        """Handle an event once; the first event of a day closes the day before."""
        if self._data_boundary == NEVER or event is self._handled.get(kind):
            return
        self._handled[kind] = event
        try:
            if event.ts_event > self._midnight:
                self._close_day(None)
            handle(event)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the engine
            self._fail(error)

    def _look_closely(self, data: Data) -> None:
        """Open a day, and look for prices that the starting capital waits for."""
        day = day_of(data.ts_init)
        if day != self._day:
            self._close_day(data)
            self._day, self._midnight, self._is_valued = day, midnight_after(day), False
            if self.samples.opening_price is None:
                self.samples.opening_price = self._only_price(Market(self._cache))
        if self.samples.first is None:
            self.samples.first = data.ts_init
            self.samples.begins = beginning_of(data)
        if not self._capital.is_known:
            self._capital.look(Market(self._cache))
        self._data_boundary = self._midnight if self._capital.is_known else AT_ONCE

    def _close_day(self, fresh: Data | None) -> None:
        """Value the last day with market data, unless an event has closed it already."""
        if self._is_valued or self._day is None or self._valuation is None:
            return
        value = self._flat_value
        if value is None or self._positions:
            if self._held is None:  # an account has told other balances since
                self._held = summed(self._balances.values())
            market = Market(self._cache, fresh)
            value = self._valuation.value(self._held, self._positions.values(), market)
        # Without positions, what is in the currency of the run is worth the same the next day.
        is_flat = not self._positions and not self._valuation.is_in_several_currencies
        self._flat_value = value if is_flat else None
        self.samples.days.append((date_of(self._day), value))
        self._is_valued = True

    def _book_fee(self, fill: OrderFilled) -> None:
        self._fill = fill
        if self._valuation is not None:
            self._valuation.terms_of(fill, fill)  # while there is a fill to ask the account by
        if self.samples.ledger is not None:
            self.samples.ledger.fill(fill, Market(self._cache))

    def _book_position(self, event: PositionEvent) -> None:
        """Book a position's part of a fill.

        An order that turns a position around closes one and opens another: each event has its
        part of the fill. The cache has the new position already at the first of them.
        """
        key, ledger = event.position_id, self.samples.ledger
        if ledger is not None:
            fees = {} if self._fill is None else fee_of(self._fill, event.last_qty.as_decimal())
            ledger.change(key, event, event.realized_pnl, fees, Market(self._cache))
        if event.side.name != "FLAT":
            self._positions[key] = event
            return
        self._positions.pop(key, None)
        if ledger is not None:
            ledger.close(key)

    def _note_balances(self, event: AccountState) -> None:
        self._flat_value = None
        if event.account_id in self._balances:
            self._balances[event.account_id] |= told_by(event)
            self._held = None

    def _only_price(self, market: Market) -> Decimal | None:
        """Return the price of the only instrument."""
        instruments = self._cache.instrument_ids()
        return market.middle(instruments[0]) if len(instruments) == 1 else None

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
