"""Prices and exchange rates as an engine knows them, at the close of a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.core.data import Data
    from nautilus_trader.model.data import Bar
    from nautilus_trader.model.identifiers import InstrumentId
    from nautilus_trader.model.instruments import Instrument

ONE = Decimal(1)
LONGEST_CHAIN = 3


class Market:
    """What the engine's cache knew before one piece of data arrived.

    Parameters
    ----------
    cache : CacheFacade
        The engine's cache.
    fresh : Data, optional
        The first data of the next day, which the cache holds already, and which does not count.
    """

    def __init__(self, cache: CacheFacade, fresh: Data | None = None) -> None:
        self._cache = cache
        self._fresh = fresh
        self._pairs: dict[str, dict[str, Decimal]] | None = None

    def price(self, instrument_id: InstrumentId, *, is_long: bool) -> Decimal | None:
        """Return what a position would fetch: bid if long, ask if short, else the last price."""
        quote = self._known(self._cache.quote_tick, instrument_id)
        if quote is not None:
            side = quote.bid_price if is_long else quote.ask_price
            return _decimal(side)
        sided, other = self._bars(instrument_id, "BID" if is_long else "ASK")
        if sided is not None:
            return _decimal(sided.close)
        trade = self._known(self._cache.trade_tick, instrument_id)
        if trade is not None:
            return _decimal(trade.price)
        return None if other is None else _decimal(other.close)

    def rate(self, code: str, target: str) -> Decimal | None:
        """Return the exchange rate between two currencies, over the fewest pairs that have one."""
        if code == target:
            return ONE
        if self._pairs is None:
            self._pairs = self._rates()
        reached = {code: ONE}
        for _ in range(LONGEST_CHAIN):
            reached = dict(self._next(reached)) | reached
            if target in reached:
                return reached[target]
        return None

    def _next(self, reached: dict[str, Decimal]) -> Iterator[tuple[str, Decimal]]:
        for code, rate in reached.items():
            for other, factor in (self._pairs or {}).get(code, {}).items():
                yield other, rate * factor

    def _rates(self) -> dict[str, dict[str, Decimal]]:
        rates: dict[str, dict[str, Decimal]] = {}
        # A spot pair is the better witness than a perpetual on it: it is read last, and stays.
        for instrument in sorted(_pairs(self._cache.instruments()), key=_is_spot):
            price = self._middle(instrument.id)
            if price:
                base, quote = instrument.get_base_currency().code, instrument.quote_currency.code
                rates.setdefault(base, {})[quote] = price
                rates.setdefault(quote, {})[base] = ONE / price
        return rates

    def _middle(self, instrument_id: InstrumentId) -> Decimal | None:
        bid = self.price(instrument_id, is_long=True)
        ask = self.price(instrument_id, is_long=False)
        return (bid + ask) / 2 if bid is not None and ask is not None else bid or ask

    def _known(self, lookup: object, instrument_id: InstrumentId) -> Data | None:
        """Return the cache's newest tick that is not the fresh one."""
        tick = lookup(instrument_id)  # type: ignore[operator]
        if tick is not None and tick is self._fresh:
            return lookup(instrument_id, 1)  # type: ignore[operator]
        return tick

    def _bars(self, instrument_id: InstrumentId, side: str) -> tuple[Bar | None, Bar | None]:
        """Return the newest bar of a side of the book, and the newest of any kind."""
        found = [self._bar(bar_type) for bar_type in self._bar_types(instrument_id)]
        newest = sorted((bar for bar in found if bar is not None), key=lambda bar: bar.ts_init)
        sided = [bar for bar in newest if bar.bar_type.spec.price_type.name == side]
        return (sided[-1] if sided else None), (newest[-1] if newest else None)

    def _bar_types(self, instrument_id: InstrumentId) -> list[object]:
        from nautilus_trader.model.enums import AggregationSource

        return list(self._cache.bar_types(instrument_id, None, AggregationSource.EXTERNAL))

    def _bar(self, bar_type: object) -> Bar | None:
        bar = self._cache.bar(bar_type)
        return self._cache.bar(bar_type, 1) if bar is not None and bar is self._fresh else bar


def _decimal(price: object) -> Decimal:
    return price.as_decimal()  # type: ignore[attr-defined, no-any-return]


def _pairs(instruments: Iterable[Instrument]) -> list[Instrument]:
    kinds = ("CurrencyPair", "CryptoPerpetual")
    return [i for i in instruments if type(i).__name__ in kinds and not i.is_inverse]


def _is_spot(instrument: Instrument) -> tuple[bool, str]:
    return type(instrument).__name__ == "CurrencyPair", str(instrument.id)
