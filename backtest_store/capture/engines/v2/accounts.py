"""What the accounts of a 2.0 engine came to: daily equity, closed trades, fees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any

from backtest_store.capture.accounting.days import date_of, midnight_after
from backtest_store.capture.accounting.equity import EquityCurve
from backtest_store.capture.accounting.ledger import Ledger, fee_of
from backtest_store.capture.accounting.valuation import EXACT, ZERO, Amounts
from backtest_store.capture.engines.v2.prices import Prices
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
        balances = total(a.balances_total().values() for a in self._accounts.values())
        return self._at(balances, self._last) if self._accounts else None

    def unrealised(self) -> Decimal | None:
        """Return what the open positions have gained so far; None if it is not known."""
        venues = self._engine.list_venues()
        if any(self._engine.portfolio.missing_price_instruments(venue) for venue in venues):
            return None
        gains = [self._engine.portfolio.unrealized_pnls(venue=venue).values() for venue in venues]
        return self._at(total(gains), self._last)

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
        """Return the daily equity: the engine's own snapshots of every midnight, or balances."""
        values, problem = [], "there was no market data"
        for day in self._prices.days:
            equity, problem = self._equity_of(day)
            if equity is None:
                return self._balances(problem)
            values.append((date_of(day), equity))
        return self._as_curve(values, []) if values else self._balances(problem)

    def _equity_of(self, day: int) -> tuple[Decimal | None, str]:
        """Return the equity at the end of a day with data, or why it is not known."""
        amounts = self._final_equity() if day == self._prices.days[-1] else self._snapshot(day)
        if isinstance(amounts, str):
            return None, f"{amounts} on {date_of(day)}"
        equity = self._at(amounts, midnight_after(day))
        return equity, f"no exchange rate to {self.currency} on {date_of(day)}"

    def _final_equity(self) -> Amounts | str:
        """Return the equity after the run's end: what came after the last data is of that day."""
        portfolio, venues = self._engine.portfolio, self._engine.list_venues()
        missing = [str(i) for v in venues for i in portfolio.missing_price_instruments(v)]
        if missing:
            return f"no price of {', '.join(missing)}"
        return total(portfolio.equity(venue=venue).values() for venue in venues)

    def _snapshot(self, day: int) -> Amounts | str:
        midnight = midnight_after(day)
        found = [held[midnight] for held in self._snapshots.values() if midnight in held]
        if len(found) < len(self._accounts):
            return "the engine kept no equity"
        missing = [str(i) for s in found for i in s.unpriced_instruments]
        if missing:
            return f"no price of {', '.join(missing)}"
        return total(s.total_equity for s in found)

    @cached_property
    def _snapshots(self) -> dict[str, dict[int, Any]]:
        """Return the engine's own snapshots by account and moment, of one moment the last."""
        portfolio = self._engine.portfolio
        return {
            key: {int(s.ts_event): s for s in portfolio.snapshots(account.id)}
            for key, account in self._accounts.items()
        }

    def _balances(self, reason: str) -> EquityCurve:
        values = [(date_of(d), self._balance_of(midnight_after(d))) for d in self._prices.days]
        return self._as_curve(values, [f"equity is the account's balance: {reason}"])

    def _balance_of(self, time: int) -> Decimal:
        states = (_state_at(account, time) for account in self._accounts.values())
        worth = self._at(total(states), time)
        return UNKNOWN if worth is None else worth

    def _as_curve(self, values: list[tuple[date, Decimal]], warnings: list[str]) -> EquityCurve:
        equity = Equity(
            starting_capital=self.starting_capital(),
            values=values,
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
        instrument, again = self._cache.instrument(position.instrument_id), None
        for fill in position.events():
            if again is None:
                again = type(position)(instrument, fill)
            else:
                again.apply(fill)
            yield int(fill.ts_event), again.realized_pnl, fee_of(fill)


def _state_at(account: Any, time: int) -> Sequence[Any]:
    """Return the balances of an account by its last event up to a moment."""
    events = account.events if not callable(account.events) else account.events()
    for event in reversed(events):
        if int(event.ts_event) <= time:
            return [balance.total for balance in event.balances]
    return list(account.starting_balances().values())


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
