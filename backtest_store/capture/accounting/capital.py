"""The capital that a run began with, each currency at its first known price."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.instrument_terms import ZERO
from backtest_store.capture.accounting.prices_and_rates import ONE, Market
from backtest_store.capture.accounting.valuation import EXACT, Valuation

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.identifiers import InstrumentId


class StartingCapital:
    """Converts the starting balances as prices become known; what is converted stays so."""

    def __init__(self, valuation: Valuation) -> None:
        self._currency = valuation.currency
        self._pending = {code: held for code, held in valuation.starting_balances.items() if held}
        self._amount = ZERO
        self._settle(str(self._currency), ONE)

    @property
    def is_known(self) -> bool:
        """Tell whether every currency has been converted."""
        return not self._pending

    @property
    def amount(self) -> Decimal | None:
        """Return the capital in the currency of the run; None if it is not known."""
        return self._amount if self.is_known and self._currency is not None else None

    def look(self, market: Market) -> None:
        """Convert what these prices allow."""
        for code in list(self._pending):
            rate = market.rate(code, str(self._currency))
            if rate is not None:
                self._settle(code, rate)

    def _settle(self, code: str, rate: Decimal) -> None:
        with localcontext(EXACT):
            self._amount += self._pending.pop(code, ZERO) * rate


class FirstPrices(Market):
    """The first prices of a run that nobody watched, from the data that the engine still has."""

    def __init__(self, engine: BacktestEngine) -> None:
        super().__init__(engine.cache)
        self._first: dict[InstrumentId, Decimal] = {}
        start = engine.backtest_start
        for data in engine.data:
            if start is None or data.ts_init >= start.value:
                self._note(data)

    def _note(self, data: object) -> None:
        bar_type = getattr(data, "bar_type", None)
        instrument_id = bar_type.instrument_id if bar_type else getattr(data, "instrument_id", None)
        if instrument_id is None or instrument_id in self._first:
            return
        if bar_type is not None:
            self._first[instrument_id] = data.close.as_decimal()  # type: ignore[attr-defined]
        elif hasattr(data, "bid_price"):
            both = data.bid_price.as_decimal() + data.ask_price.as_decimal()  # type: ignore[attr-defined]
            self._first[instrument_id] = both / 2
        elif hasattr(data, "price"):
            self._first[instrument_id] = data.price.as_decimal()

    def middle(self, instrument_id: InstrumentId) -> Decimal | None:
        """Return the first price of an instrument, or the oldest that the cache remembers."""
        if instrument_id in self._first:
            return self._first[instrument_id]
        oldest = [
            bars[-1]
            for bar_type in self._bar_types(instrument_id)
            if (bars := self._cache.bars(bar_type))
        ]
        if oldest:
            price: Decimal = min(oldest, key=lambda bar: bar.ts_init).close.as_decimal()
            return price
        return super().middle(instrument_id)
