"""What open positions add to their accounts' balances at a moment, at the prices of the data.

The engine notes the equity of each midnight itself, but it rounds a binary fraction to the cent,
and where it has seen a trade it takes no bar for newer. Worked out here, equity is exact and means
what it does on 1.x.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from backtest_store.capture.accounting.instrument_terms import PositionTerms, holding_of
from backtest_store.capture.accounting.positions import replayed
from backtest_store.capture.accounting.valuation import Amounts, added
from backtest_store.capture.engines.nautilus2.prices import Prices


class State(NamedTuple):
    """What a position was after one of its fills."""

    fill: Any
    quantity: Any
    side: Any
    avg_px_open: Decimal

    @property
    def instrument_id(self) -> Any:
        """Return the instrument that it is in."""
        return self.fill.instrument_id

    @property
    def last_px(self) -> Any:
        """Return the price of the fill, for an instrument without any other."""
        return self.fill.last_px


class Marks:
    """The prices of a run's data at a moment, as a valuation asks for them."""

    def __init__(self, prices: Prices, time: int | None) -> None:
        self._prices, self._time = prices, time
        self.unquoted: set[str] = set()

    def price(self, instrument_id: Any, *, is_long: bool) -> Decimal | None:
        """Return what a position would fetch: bid if long, ask if short, else the last price."""
        return self._prices.mark(str(instrument_id), self._time, is_long=is_long)


class OpenPositions:
    """The positions of an engine whose run has ended, as they were after each fill.

    `accounts` are by their ids; `unpriced` are the instruments of which a price was needed and not
    known.
    """

    def __init__(
        self, cache: Any, accounts: dict[Any, Any], prices: Prices, positions: Sequence[Any]
    ) -> None:
        self._cache, self._accounts, self._prices = cache, accounts, prices
        self._positions = sorted(positions, key=lambda position: int(position.ts_opened))
        self._opened = [int(position.ts_opened) for position in self._positions]
        self._states: dict[int, list[State]] = {}
        self._terms: dict[tuple[Any, Any], PositionTerms] = {}
        self.unpriced: set[str] = set()

    def add(self, time: int | None) -> Amounts:
        """Return what the positions that are open at a moment, or now, add to the balances."""
        marks = Marks(self._prices, time)
        found = added((terms.currency, terms.adds(p, marks)) for terms, p in self._held(time))
        self.unpriced |= marks.unquoted
        return found

    def gain(self) -> Amounts:
        """Return what the positions that are open now have gained so far."""
        marks = Marks(self._prices, None)
        return added((terms.settlement, terms.gain(p, marks)) for terms, p in self._held(None))

    def _held(self, time: int | None) -> Iterator[tuple[PositionTerms, State]]:
        """Yield what was open at a moment, or is now."""
        last = len(self._opened) if time is None else bisect_right(self._opened, time)
        for position in self._positions[:last]:
            if not position.is_closed or (time is not None and int(position.ts_closed) > time):
                state = self._state(position, time)
                yield self._terms_of(position, state), state

    def _state(self, position: Any, time: int | None) -> State:
        """Return what a position was at a moment, at which it was open."""
        states = self._states.get(id(position))
        if states is None:
            states = self._states[id(position)] = [
                State(fill, again.quantity, again.side, Decimal(str(again.avg_px_open)))
                for fill, again in replayed(position, self._cache)
            ]
        before = len(states) if time is None else bisect_right(states, time, key=_time)
        return states[before - 1]

    def _terms_of(self, position: Any, state: State) -> PositionTerms:
        key = (position.instrument_id, position.account_id)
        if key not in self._terms:
            instrument = self._cache.instrument(position.instrument_id)
            account = self._accounts.get(key[1])
            holding = holding_of(instrument, account, state.fill)
            self._terms[key] = PositionTerms.held(
                instrument, position.settlement_currency, holding, account, state.fill
            )
        return self._terms[key]


def _time(state: State) -> int:
    return int(state.fill.ts_event)
