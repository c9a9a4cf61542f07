"""What the accounts of a 2.0 engine came to: daily equity, closed trades, fees."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from backtest_store.capture.accounting.daily_equity import EquityCurve
from backtest_store.capture.accounting.days import date_of, midnight_after
from backtest_store.capture.accounting.fees_and_profits import Ledger, fee_of
from backtest_store.capture.accounting.valuation import EXACT, ZERO, Amounts
from backtest_store.capture.engines.nautilus2.open_positions import OpenPositions, replayed
from backtest_store.capture.engines.nautilus2.prices import Prices
from backtest_store.statistics.equity_metrics import Equity

UNKNOWN = Decimal("NaN")


class Accounts:
    """The accounts of an engine whose run has ended, valued in one currency.

    Parameters
    ----------
    engine : BacktestEngine
        The engine.
    prices : Prices
        Of the data that the run was given.
    """

    def __init__(self, engine: Any, prices: Prices) -> None:
        self._engine = engine
        self._cache = engine.cache
        self._prices = prices
        found = (engine.cache.account_for_venue(venue) for venue in engine.list_venues())
        self._accounts = {str(a.id): a for a in found if a is not None}

    @cached_property
    def currency(self) -> str | None:
        """Return the currency of the run: the first account's base, or that of its capital."""
        for account in self._accounts.values():
            if account.base_currency is not None:
                return str(account.base_currency.code)
        return main_currency(list(self.starting_balances), self._cache.instruments())

    @cached_property
    def starting_balances(self) -> Amounts:
        """Return the capital that the accounts began with, by currency."""
        return total(a.starting_balances().values() for a in self._accounts.values())

    @property
    def is_convertible_at_once(self) -> bool:
        """Tell whether the starting capital needs no exchange rate."""
        return set(self.starting_balances) <= {self.currency}

    def starting_capital(self) -> Decimal:
        """Return the capital, each currency at its first known price; NaN without one."""
        capital = None if self.currency is None else self._at(self.starting_balances, None)
        return UNKNOWN if capital is None else capital

    def final_balance(self) -> Decimal | None:
        """Return the balances of all accounts now; None if they cannot be converted."""
        return self._at(self._states(None), self._last) if self._accounts else None

    def unrealised(self) -> Decimal | None:
        """Return what the open positions have gained so far; None if it is not known."""
        return self._at(self._open.gain(), self._last)

    @cached_property
    def _open(self) -> OpenPositions:
        return OpenPositions(self._cache, self._accounts, self._prices, self._positions())

    def convert(self, amounts: Amounts, market: int) -> Decimal | None:
        """Return the sum of amounts in the currency of the run at a moment; None without a rate."""
        return self._at(amounts, market)

    @property
    def _last(self) -> int:
        return int(self._engine.backtest_end or 0)

    def _at(self, amounts: Amounts, time: int | None) -> Decimal | None:
        worth = ZERO
        with localcontext(EXACT):
            for code, amount in amounts.items():
                rate = self._prices.rate(code, str(self.currency), time) if amount else ZERO
                if rate is None:
                    return None
                worth += amount * rate
        return worth

    def curve(self) -> EquityCurve:
        """Return the equity of each day with market data, or without a price the balances."""
        days, problem = self._prices.days, "there was no market data"
        values = [self._equity_of(day) for day in days]
        if self._open.unpriced:  # the engine may know their prices
            values = [self._noted(day) for day in days]
            problem = f"no price of {', '.join(sorted(self._open.unpriced))}"
        lacking = next((d for d, v in zip(days, values, strict=True) if v is None), None)
        if days and lacking is None:
            return self._as_curve(values, [])
        if lacking is not None and not self._open.unpriced:
            problem = f"no exchange rate to {self.currency} on {date_of(lacking)}"
        balances = [self._at(self._states(midnight_after(d)), midnight_after(d)) for d in days]
        return self._as_curve(balances, [f"equity is the account's balance: {problem}"])

    def _noted(self, day: int) -> Decimal | None:
        """Return the equity of a day as the engine noted it; None where it lacks a price."""
        portfolio, midnight = self._engine.portfolio, midnight_after(day)
        if day == self._prices.days[-1]:
            venues = self._engine.list_venues()
            newest = [held[max(held)] for held in self._snapshots if held]
            missing = [*map(portfolio.missing_price_instruments, venues)]
            missing += [snapshot.unpriced_instruments for snapshot in newest]
            if any(missing):  # the portfolio itself forgets when it has been asked
                return None
            return self._at(total(portfolio.equity(venue=v).values() for v in venues), midnight)
        found = [held[midnight] for held in self._snapshots if midnight in held]
        if len(found) < len(self._accounts) or any(s.unpriced_instruments for s in found):
            return None
        return self._at(total(s.total_equity for s in found), midnight)

    @cached_property
    def _snapshots(self) -> list[dict[int, Any]]:
        """Return the engine's own snapshots of each account by their moments."""
        portfolio = self._engine.portfolio
        return [
            {int(s.ts_event): s for s in portfolio.snapshots(account.id)}
            for account in self._accounts.values()
        ]

    def _equity_of(self, day: int) -> Decimal | None:
        """Return the equity at the end of a day: what came after the last data is of that day."""
        time = None if day == self._prices.days[-1] else midnight_after(day)
        parts = self._states(time), self._open.add(time)
        with localcontext(EXACT):
            held = {c: sum((p.get(c, ZERO) for p in parts), ZERO) for part in parts for c in part}
        return self._at(held, midnight_after(day))

    def _states(self, time: int | None) -> Amounts:
        """Return the balances of all accounts at a moment, or now."""
        if time is None:
            return total(a.balances_total().values() for a in self._accounts.values())
        return total(_state_at(*events, time) for events in self._events)

    @cached_property
    def _events(self) -> list[tuple[Any, list[Any], list[int]]]:
        """Return each account with its events and their times."""
        found = []
        for account in self._accounts.values():
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
        for fill in sorted(self._fills(), key=lambda fill: int(fill.ts_event)):
            ledger.fill(fill, int(fill.ts_event))
        for key, position in enumerate(self._positions()):
            self._book(ledger, key, position)
        return ledger

    def _fills(self) -> Iterator[Any]:
        events = (event for order in self._cache.orders() for event in order.events())
        return (event for event in events if type(event).__name__ == "OrderFilled")

    def _positions(self) -> list[Any]:
        """Return all positions, those that a netting venue opened again each time anew."""
        found = [*self._cache.position_snapshots(), *self._cache.positions()]
        return sorted(found, key=lambda position: int(position.ts_last))

    def _book(self, ledger: Ledger, key: int, position: Any) -> None:
        settlement = str(position.settlement_currency.code)
        fees = total([position.commissions()])
        if {settlement, *fees} <= {self.currency}:
            steps = [(int(position.ts_last), position.realized_pnl, fees)]
        else:
            steps = list(self._replayed(position))
        for time, realised, paid in steps:
            ledger.change(key, settlement, realised, paid, time)
        if position.is_closed:
            ledger.close(key)

    def _replayed(self, position: Any) -> Iterator[tuple[int, Any, Amounts]]:
        """Yield what a position came to after each of its fills, at whose rates it counts."""
        for fill, again in replayed(position, self._cache):
            yield int(fill.ts_event), again.realized_pnl, fee_of(fill)


def _state_at(account: Any, events: list[Any], times: list[int], time: int) -> Iterable[Any]:
    """Return the balances of an account by its events up to a moment.

    The event of a simulation module, which charges interest, tells only what it has changed.
    """
    found: dict[str, Any] = {}
    for place in reversed(range(bisect_right(times, time))):
        for balance in events[place].balances:
            found.setdefault(str(balance.total.currency.code), balance.total)
        if len(found) == len(account.balances_total()):
            return found.values()
    began = account.starting_balances().values()
    return ({str(money.currency.code): money for money in began} | found).values()


def main_currency(held: list[str], instruments: Iterable[Any]) -> str | None:
    """Return the currency of several that most instruments settle in."""
    if len(held) < 2:  # noqa: PLR2004 - one currency needs no choosing
        return held[0] if held else None
    settling = Counter(str(i.quote_currency.code) for i in instruments)
    return max(held, key=lambda code: (settling[code], -held.index(code)))


def total(parts: Iterable[Iterable[Any]]) -> Amounts:
    """Add up money by its currency."""
    found: Amounts = {}
    for money in (money for part in parts for money in part):
        code = str(money.currency.code)
        found[code] = found.get(code, ZERO) + money.as_decimal()
    return found
