"""What the accounts of a 2.0 engine came to: daily equity, closed trades, fees."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

from backtest_store.capture.accounting.daily_equity import EquityCurve
from backtest_store.capture.accounting.days import date_of, midnight_after
from backtest_store.capture.accounting.fees_and_profits import Ledger, fee_of
from backtest_store.capture.accounting.positions import in_order, replayed, replayed_cycles
from backtest_store.capture.accounting.valuation import (
    Amounts,
    InOneCurrency,
    added,
    balances_told,
    total,
)
from backtest_store.capture.engines.nautilus2.open_positions import OpenPositions
from backtest_store.capture.engines.nautilus2.prices import Prices
from backtest_store.statistics.equity_metrics import Equity

UNKNOWN = Decimal("NaN")


class Accounts(InOneCurrency):
    """The accounts of an engine whose run has ended, valued by the data that the run was given.

    A moment is a time in UNIX nanoseconds; None is that of the first price.
    """

    def __init__(self, engine: Any, prices: Prices) -> None:
        super().__init__(engine)
        self._engine = engine
        self._prices = prices

    def starting_capital(self) -> Decimal:
        """Return the capital, each currency at its first known price; NaN without one."""
        capital = None if self.currency is None else self.convert(self.starting_balances, None)
        return UNKNOWN if capital is None else capital

    def settlement_of(self, position: Any) -> str:
        """Return the currency in which a position's profit is settled."""
        return str(position.settlement_currency.code)

    def _rate(self, code: str, moment: int | None) -> Decimal | None:
        return self._prices.rate(code, str(self.currency), moment)

    def _now(self) -> int:
        return int(self._engine.backtest_end or 0)

    def _gained(self) -> Amounts:
        return self._open.gain()

    @cached_property
    def _open(self) -> OpenPositions:
        return OpenPositions(self._cache, self.accounts, self._prices, self._positions)

    def curve(self) -> EquityCurve:
        """Return the equity of each day with market data, or without a price the balances."""
        days, problem = self._prices.days, "there was no market data"
        values = [self._equity_of(day) for day in days]
        lacking = next((d for d, v in zip(days, values, strict=True) if v is None), None)
        if self._open.unpriced:
            problem = f"no price of {', '.join(sorted(self._open.unpriced))}"
        elif lacking is not None:
            problem = f"no exchange rate to {self.currency} on {date_of(lacking)}"
        elif days:
            return self._as_curve(values, [])
        ends = map(midnight_after, days)
        balances = [self.convert(self._balances(end), end) for end in ends]
        return self._as_curve(balances, [f"equity is the account's balance: {problem}"])

    def _equity_of(self, day: int) -> Decimal | None:
        """Return the equity at the end of a day: what came after the last data is of that day."""
        time = None if day == self._prices.days[-1] else midnight_after(day)
        parts = self._balances(time), self._open.add(time)
        held = added(item for part in parts for item in part.items())
        return self.convert(held, midnight_after(day))

    def _balances(self, time: int | None) -> Amounts:
        """Return the balances of all accounts at a moment, or now."""
        if time is None:
            return total(a.balances_total().values() for a in self.accounts.values())
        found = (balances_told(a, e[: bisect_right(t, time)]) for a, e, t in self._events)
        return added(item for part in found for item in part.items())

    @cached_property
    def _events(self) -> list[tuple[Any, list[Any], list[int]]]:
        """Return each account with its events and their times."""
        found = []
        for account in self.accounts.values():
            events = account.events() if callable(account.events) else account.events
            found.append((account, list(events), [int(event.ts_event) for event in events]))
        return found

    def _as_curve(self, values: list[Decimal | None], warnings: list[str]) -> EquityCurve:
        known = [UNKNOWN if value is None else value for value in values]
        equity = Equity(
            starting_capital=self.starting_capital(),
            values=list(zip(map(date_of, self._prices.days), known, strict=True)),
            basis="balance" if warnings else "mark_to_market",
            begins=self._prices.begins,
        )
        return EquityCurve(equity, warnings)

    def ledger(self) -> Ledger:
        """Return every fee, and what every position came to."""
        ledger: Ledger = Ledger(self)
        for fill in self._fills:
            ledger.fill(fill, int(fill.ts_event))
        for key, position in enumerate(self._positions):
            for time, realised, paid in self._changes(position):
                ledger.change(key, position, realised, paid, time)
            if position.is_closed:
                ledger.close(key)
        return ledger

    @cached_property
    def _fills(self) -> list[Any]:
        """Return all fills, oldest first."""
        events = (event for order in self._cache.orders() for event in order.events())
        return in_order(event for event in events if type(event).__name__ == "OrderFilled")

    @cached_property
    def _positions(self) -> list[Any]:
        """Return all positions, those that a netting venue opened again each time anew.

        Of one that its venue named and an order turned around, the engine has only what it is
        since: all that it was is worked out from its fills.
        """
        found = [*self._cache.position_snapshots(), *self._cache.positions()]
        kept = {str(fill.trade_id) for position in found for fill in position.events()}
        turned = {str(f.position_id): f for f in self._fills if str(f.trade_id) not in kept}
        kind = type(found[0]) if found else None
        for name, fill in turned.items() if found else ():
            own = [f for f in self._fills if str(f.position_id) == name]
            found = [p for p in found if str(p.events()[0].position_id) != name]
            found += replayed_cycles(kind, self._cache.instrument(fill.instrument_id), own)
        return sorted(found, key=lambda position: int(position.ts_last))

    def _changes(self, position: Any) -> Iterator[tuple[int, Any, Amounts]]:
        """Yield what a position came to, after each fill at whose exchange rates it counts."""
        fees = total([position.commissions()])
        if {self.settlement_of(position), *fees} <= {self.currency}:
            yield int(position.ts_last), position.realized_pnl, fees
            return
        for fill, again in replayed(position, self._cache):
            yield int(fill.ts_event), again.realized_pnl, fee_of(fill)
