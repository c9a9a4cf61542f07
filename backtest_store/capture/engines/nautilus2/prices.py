"""The prices of a run's data, as it was added: for exchange rates, and for the one instrument."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from backtest_store.capture.accounting.days import beginning_of, day_of, midnight_after
from backtest_store.capture.accounting.prices_and_rates import ONE, chained, is_spot
from backtest_store.capture.engines.nautilus2.engine_requests import ARRIVAL
from backtest_store.capture.engines.nautilus2.order_books import BOOKS, quotes_of

BAR_TYPE = attrgetter("bar_type")
PAIRS = ("CurrencyPair", "CryptoPerpetual", "PerpetualContract")
SIDES = ("BID", "ASK", "MID", "LAST", "MARK")
HOUR = 3_600_000_000_000
MARKET_DATA = ("Bar", "QuoteTick", "TradeTick", *BOOKS)


class Prices:
    """What the data of a run, in the order in which it is replayed, tells of days and prices.

    `instruments` that are pairs of currencies give exchange rates; `book_types` are those of the
    venues; `days` are the days with market data, counted from 1970.
    """

    def __init__(
        self, data: Sequence[Any], instruments: Iterable[Any], book_types: Mapping[str, Any]
    ) -> None:
        found = list(instruments)
        if any(kind.__name__ not in MARKET_DATA for kind in set(map(type, data))):
            data = [element for element in data if type(element).__name__ in MARKET_DATA]
        self.days = list(_days(data))
        self.first = data[0] if data else None
        self.last = data[-1] if data else None
        pairs = [one for one in found if type(one).__name__ in PAIRS and not one.is_inverse]
        self._pairs = {
            str(pair.id): (str(pair.base_currency.code), str(pair.quote_currency.code))
            for pair in sorted(pairs, key=is_spot)
        }
        self._only = str(found[0].id) if len(found) == 1 else None
        self._streams, self._books = _streams(data)
        self._book_types = book_types

    @property
    def begins(self) -> Any:
        """Return the date on which the first data begins."""
        return None if self.first is None else beginning_of(self.first)

    @property
    def opening(self) -> Decimal | None:
        """Return the first price of the only instrument."""
        return None if self._only is None else self._first(self._only)

    @property
    def closing(self) -> Decimal | None:
        """Return the last price of the only instrument, between bid and ask if it has both."""
        return None if self._only is None else self._middle(self._only, None)

    def mark(self, name: str, time: int | None, *, is_long: bool) -> Decimal | None:
        """Return what a position would fetch at a moment, or at the end; None without a price.

        That is the bid if it is long, the ask if it is short, or else the last price. As on 1.x, a
        quote counts for an hour: what is newer by more than that is nearer to the truth.
        """
        kinds = self._kinds(name)
        newest = {kind: _newest(elements, time) for kind, elements in kinds.items()}
        found = {kind: element for kind, element in newest.items() if element is not None}
        if not found:
            return None
        last = max(map(ARRIVAL, found.values()))
        witnesses = [found.get(kind) for kind in ("QuoteTick", "BID" if is_long else "ASK")]
        # A trade has no side, as bars of trades have none: of these the newest counts.
        others = [found[kind] for kind in (*SIDES, "TradeTick") if kind in found]
        for element in [*witnesses, *sorted(others, key=ARRIVAL)[-1:]]:
            if element is not None and element.ts_init >= last - HOUR:
                return _side_of(element, is_long=is_long)
        return None

    def _kinds(self, name: str) -> dict[str, list[Any]]:
        """Return the kinds of data that tell an instrument's price: if nothing does, its book."""
        if name not in self._streams:
            book_type = self._book_types.get(name.rpartition(".")[2])
            quotes = quotes_of(self._books.get(name, []), book_type)
            self._streams[name] = {"QuoteTick": quotes} if quotes else {}
        return self._streams[name]

    def rate(self, code: str, target: str, time: int | None = None) -> Decimal | None:
        """Return the newest exchange rate up to a moment, or the first of all without one."""
        return ONE if code == target else chained(code, target, partial(self._rates_of, time))

    def _rates_of(self, time: int | None, code: str) -> dict[str, Decimal]:
        """Return the rates of a currency to others; of a spot pair rather than of a perpetual."""
        found: dict[str, Decimal] = {}
        for name, (base, quote) in self._pairs.items():
            if code in (base, quote):
                price = self._first(name) if time is None else self._middle(name, time)
                if price:
                    found[quote if code == base else base] = price if code == base else ONE / price
        return found

    def _first(self, name: str) -> Decimal | None:
        """Return the first price of an instrument."""
        kinds = self._kinds(name).values()
        return middle(min((elements[0] for elements in kinds), key=ARRIVAL)) if kinds else None

    def _middle(self, name: str, time: int | None) -> Decimal | None:
        """Return the price at a moment, or at the end, between what long and short would fetch."""
        kinds = list(self._kinds(name).values())
        if len(kinds) == 1:  # as is usual, and takes a third of the time
            newest = _newest(kinds[0], time)
            return None if newest is None else middle(newest)
        sides = [self.mark(name, time, is_long=is_long) for is_long in (True, False)]
        known = [price for price in sides if price is not None]
        return sum(known, Decimal(0)) / len(known) if known else None


def _newest(elements: Sequence[Any], time: int | None) -> Any:
    place = len(elements) if time is None else bisect_right(elements, time, key=ARRIVAL)
    return elements[place - 1] if place else None


def _side_of(element: Any, *, is_long: bool) -> Decimal | None:
    if type(element).__name__ == "QuoteTick":
        return Decimal(str(element.bid_price if is_long else element.ask_price))
    return middle(element)


def _days(data: Sequence[Any]) -> Iterator[int]:
    """Yield the days with data, counted from 1970."""
    place = 0
    while place < len(data):
        day = day_of(data[place].ts_init)
        yield day
        place = bisect_right(data, midnight_after(day), place, key=ARRIVAL)


def _streams(
    data: Sequence[Any],
) -> tuple[dict[str, dict[str, list[Any]]], dict[str, list[Any]]]:
    """Sort data by its instrument: what tells prices by the side of the market, and books."""
    by_type: dict[Any, list[Any]] = {}
    are_bars = all(hasattr(kind, "bar_type") for kind in set(map(type, data)))
    for kind, elements in groupby(data, BAR_TYPE if are_bars else _type_of):
        by_type.setdefault(kind, []).extend(elements)
    found: dict[str, dict[str, list[Any]]] = {}
    books: dict[str, list[Any]] = {}
    for alike in by_type.values():
        is_book = type(alike[0]).__name__ in BOOKS
        name = instrument_of(alike[0])
        kinds, side = (books, name) if is_book else (found.setdefault(name, {}), _side(alike[0]))
        others = kinds.get(side)
        kinds[side] = alike if others is None else sorted([*others, *alike], key=ARRIVAL)
    return found, books


def _type_of(element: Any) -> Any:
    bar_type = getattr(element, "bar_type", None)
    return (type(element), element.instrument_id) if bar_type is None else bar_type


def middle(element: Any) -> Decimal | None:
    """Return the price that an element of data tells, of a quote the one between bid and ask."""
    kind = type(element).__name__
    if kind == "Bar":
        return Decimal(str(element.close))
    if kind == "QuoteTick":
        return (Decimal(str(element.bid_price)) + Decimal(str(element.ask_price))) / 2
    return Decimal(str(element.price)) if kind == "TradeTick" else None


def instrument_of(element: Any) -> str:
    """Return the id of the instrument that an element of data is of."""
    bar_type = getattr(element, "bar_type", None)
    return str(element.instrument_id if bar_type is None else bar_type.instrument_id)


def _side(element: Any) -> str:
    if type(element).__name__ != "Bar":
        return type(element).__name__
    return str(element.bar_type.spec.price_type.name)


def between(data: list[Any], start: int | None, end: int | None) -> list[Any]:
    """Return the data from one moment to another, both included."""
    first = 0 if start is None else bisect_left(data, start, key=ARRIVAL)
    last = len(data) if end is None else bisect_right(data, end, key=ARRIVAL)
    return data if (first, last) == (0, len(data)) else data[first:last]
