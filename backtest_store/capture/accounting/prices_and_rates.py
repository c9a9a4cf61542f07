"""Prices and exchange rates as an engine knows them, at the close of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.core.data import Data
    from nautilus_trader.model.data import Bar
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.instruments import Instrument
    from nautilus_trader.model.objects import Price

ONE = Decimal(1)
LONGEST_CHAIN = 3
HOUR = 3_600_000_000_000


class Market:
    """What the engine's cache knew: without data that is fresh, or before a time.

    `unquoted` are the instruments for which no price was found where one was needed.
    """

    def __init__(
        self, cache: CacheFacade, fresh: Data | None = None, before: int | None = None
    ) -> None:
        self._cache = cache
        self._fresh = fresh
        self._before = before
        self.unquoted: set[str] = set()
        self._pairs: dict[str, dict[str, Decimal]] | None = None

    def price(self, instrument_id: InstrumentId, *, is_long: bool) -> Decimal | None:
        """Return what a position would fetch: bid if long, ask if short, else the last price.

        A quote counts for an hour: what is newer by more than that is nearer to the truth.
        """
        seen = self._seen(instrument_id, is_long=is_long)
        if not seen:
            return self._book_price(instrument_id, is_long=is_long)
        newest = max(time for time, _ in seen)
        return next(_decimal(price) for time, price in seen if time >= newest - HOUR)

    def middle(self, instrument_id: InstrumentId) -> Decimal | None:
        """Return the price between what a long and what a short position would fetch."""
        bid = self.price(instrument_id, is_long=True)
        ask = self.price(instrument_id, is_long=False)
        known = [price for price in (bid, ask) if price is not None]
        return sum(known, Decimal(0)) / len(known) if known else None

    def _seen(self, instrument_id: InstrumentId, *, is_long: bool) -> list[tuple[int, Price]]:
        """Return the newest of each kind of price, the best witness first, with its time.

        A trade has no side, as bars of trades have none: of these the newest counts.
        """
        known, seen = self._cache, []
        quote = self._newest(known.quote_tick, known.quote_ticks, instrument_id)
        if quote is not None:
            seen.append((quote.ts_init, quote.bid_price if is_long else quote.ask_price))
        sided, other = self._bars(instrument_id, "BID" if is_long else "ASK")
        if sided is not None:
            seen.append((sided.ts_init, sided.close))
        trade = self._newest(known.trade_tick, known.trade_ticks, instrument_id)
        if trade is not None and (other is None or trade.ts_init >= other.ts_init):
            seen.append((trade.ts_init, trade.price))
        elif other is not None:
            seen.append((other.ts_init, other.close))
        return seen

    def rate(self, code: str, target: str) -> Decimal | None:
        """Return the exchange rate between two currencies, over the fewest pairs that have one."""
        if code == target:
            return ONE
        if self._pairs is None:
            self._pairs = self._rates()
        pairs = self._pairs
        return chained(code, target, lambda known: pairs.get(known, {}))

    def _rates(self) -> dict[str, dict[str, Decimal]]:
        rates: dict[str, dict[str, Decimal]] = {}
        # A spot pair is the better witness than a perpetual on it: it is read last, and stays.
        for instrument in sorted(_pairs(self._cache.instruments()), key=is_spot):
            price = self.middle(instrument.id)
            if price:
                base, quote = instrument.get_base_currency().code, instrument.quote_currency.code
                rates.setdefault(base, {})[quote] = price
                rates.setdefault(quote, {})[base] = ONE / price
        return rates

    def _book_price(self, instrument_id: InstrumentId, *, is_long: bool) -> Decimal | None:
        """Return the best price of the order book, of which no earlier state is kept."""
        book = self._cache.order_book(instrument_id) if self._before is None else None
        if book is None:
            return None
        price = book.best_bid_price() if is_long else book.best_ask_price()
        return None if price is None else _decimal(price)

    def _newest(
        self, one: Callable[..., Any], newest_first: Callable[..., Iterable[Any]], key: object
    ) -> Any:
        """Return the newest data of a kind that counts; a cache tells it by itself or all."""
        if self._before is not None:
            return next((data for data in newest_first(key) if data.ts_init < self._before), None)
        newest = one(key)
        return one(key, 1) if newest is not None and newest is self._fresh else newest

    def _bars(self, instrument_id: InstrumentId, side: str) -> tuple[Bar | None, Bar | None]:
        """Return the newest bar of a side of the book, and the newest of any kind."""
        known, sided, newest = self._cache, None, None
        for bar_type in self._bar_types(instrument_id):
            bar = self._newest(known.bar, known.bars, bar_type)
            if bar is None:
                continue
            if newest is None or bar.ts_init >= newest.ts_init:
                newest = bar
            is_of_side = bar_type.spec.price_type.name == side
            if is_of_side and (sided is None or bar.ts_init >= sided.ts_init):
                sided = bar
        return sided, newest

    def _bar_types(self, instrument_id: InstrumentId) -> list[Any]:
        found: list[Any] = self._cache.bar_types(instrument_id, None, _external())
        return found


def chained(
    code: str, target: str, rates_of: Callable[[str], Mapping[str, Decimal]]
) -> Decimal | None:
    """Multiply rates on the shortest way from one currency to another; None without a way.

    `rates_of` tells of a currency its rates to those that it has a pair with.
    """
    reached = {code: ONE}
    for _ in range(LONGEST_CHAIN):
        further = {
            other: rate * factor
            for known, rate in reached.items()
            for other, factor in rates_of(known).items()
        }
        reached = further | reached
        if target in reached:
            return reached[target]
    return None


@cache
def _external() -> object:
    from nautilus_trader.model.enums import AggregationSource

    return AggregationSource.EXTERNAL


def _decimal(price: object) -> Decimal:
    return price.as_decimal()  # type: ignore[attr-defined, no-any-return]


def _pairs(instruments: Iterable[Instrument]) -> list[Instrument]:
    kinds = ("CurrencyPair", "CryptoPerpetual")
    return [i for i in instruments if type(i).__name__ in kinds and not i.is_inverse]


def is_spot(instrument: Any) -> tuple[bool, str]:
    """Put perpetuals before spot pairs, and each of them in the order of their names."""
    return type(instrument).__name__ == "CurrencyPair", str(instrument.id)
