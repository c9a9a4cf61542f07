"""The prices of a run's data, as it was added: for exchange rates, and for the one instrument."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from backtest_store.capture.accounting.clock import beginning_of, day_of

ONE = Decimal(1)
PAIRS = ("CurrencyPair", "CryptoPerpetual", "PerpetualContract")
BOOKS = ("OrderBookDelta", "OrderBookDeltas", "OrderBookDepth", "OrderBookDepth10")
MARKET_DATA = ("Bar", "QuoteTick", "TradeTick", *BOOKS)


class Prices:
    """What the data of a run tells of days and prices.

    Parameters
    ----------
    data : Iterable
        The data, in the order in which it is replayed.
    instruments : Iterable
        The instruments, whose pairs of currencies give exchange rates.

    Attributes
    ----------
    days : list[int]
        The days with market data, counted from 1970.
    """

    def __init__(self, data: Iterable[Any], instruments: Iterable[Any]) -> None:
        found = list(instruments)
        self.days: list[int] = []
        self.first: Any = None
        self.last: Any = None
        self._only = str(found[0].id) if len(found) == 1 else None
        self._pairs = {str(i.id): _currencies(i) for i in found if _is_pair(i)}
        self._rates: dict[str, tuple[list[int], list[Any]]] = {}
        self.opening: Decimal | None = None
        self._sides: dict[str, Any] = {}
        for element in data:
            self._see(element)

    def _see(self, element: Any) -> None:
        if type(element).__name__ not in MARKET_DATA:
            return
        self.first = element if self.first is None else self.first
        self.last = element
        day = day_of(element.ts_init)
        if not self.days or self.days[-1] != day:
            self.days.append(day)
        if self._pairs:
            self._keep_rate(element)
        if self._only is not None:
            self._sides[_side(element)] = element
            if self.opening is None:
                self.opening = middle(element)

    def _keep_rate(self, element: Any) -> None:
        name = instrument_of(element)
        if name in self._pairs:
            times, elements = self._rates.setdefault(name, ([], []))
            times.append(element.ts_init)
            elements.append(element)

    @property
    def begins(self) -> Any:
        """Return the date on which the first data begins."""
        return None if self.first is None else beginning_of(self.first)

    @property
    def closing(self) -> Decimal | None:
        """Return the last price of the only instrument, between bid and ask if it has both."""
        sides = [self._sides[side] for side in ("BID", "ASK") if side in self._sides]
        newest = sides or sorted(self._sides.values(), key=lambda e: int(e.ts_init))[-1:]
        prices = [price for e in newest if (price := middle(e)) is not None]
        return sum(prices, Decimal(0)) / len(prices) if prices else None

    def rate(self, code: str, target: str, time: int | None = None) -> Decimal | None:
        """Return the newest exchange rate up to a moment, or the first of all without one."""
        if code == target:
            return ONE
        for between in (None, *self._codes()):
            legs = [(code, target)] if between is None else [(code, between), (between, target)]
            rates = [self._leg(*leg, time) for leg in legs]
            if all(rates):
                return rates[0] if between is None else rates[0] * rates[1]  # type: ignore[operator]
        return None

    def _codes(self) -> list[str]:
        return sorted({code for pair in self._pairs.values() for code in pair})

    def _leg(self, code: str, target: str, time: int | None) -> Decimal | None:
        for name, (base, quote) in sorted(self._pairs.items()):
            price = self._price(name, time) if {base, quote} == {code, target} else None
            if price:
                return price if (code, target) == (base, quote) else ONE / price
        return None

    def _price(self, name: str, time: int | None) -> Decimal | None:
        times, elements = self._rates.get(name, ([], []))
        place = 0 if time is None else bisect_right(times, time) - 1
        return middle(elements[place]) if 0 <= place < len(elements) else None


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


def _is_pair(instrument: Any) -> bool:
    return type(instrument).__name__ in PAIRS and not instrument.is_inverse


def _currencies(instrument: Any) -> tuple[str, str]:
    return str(instrument.base_currency.code), str(instrument.quote_currency.code)


def between(data: Iterable[Any], start: int | None, end: int | None) -> Iterator[Any]:
    """Yield the data from one moment to another, both included."""
    for element in data:
        if (start is None or element.ts_init >= start) and (end is None or element.ts_init <= end):
            yield element
