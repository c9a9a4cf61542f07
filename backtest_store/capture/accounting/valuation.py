"""What an engine's accounts are worth: balances, and what open positions add to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.instrument_terms import (
    ZERO,
    NoRateError,
    PositionTerms,
    any_fill,
    settlement_currency,
)
from backtest_store.capture.accounting.prices_and_rates import Market
from backtest_store.statistics.values import ARITHMETIC

if TYPE_CHECKING:
    from nautilus_trader.accounting.accounts.base import Account
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.events import AccountState, OrderFilled, PositionEvent
    from nautilus_trader.model.identifiers import AccountId
    from nautilus_trader.model.objects import Currency
    from nautilus_trader.model.position import Position

EXACT = ARITHMETIC  # not the caller's: a script may compute its own with three digits
Amounts = dict[str, Decimal]


@dataclass(frozen=True)
class AccountValue:
    """What the accounts were worth: with open positions, and by their balances alone.

    Money in the currency of the run; None is not known, and `problem` says why. Instruments that
    are `unquoted` were valued at the price of their last fill.
    """

    equity: Decimal | None = None
    balance: Decimal | None = None
    problem: str | None = None
    unquoted: frozenset[str] = frozenset()


class Valuation:
    """Values the accounts of an engine whose run has begun in one currency."""

    def __init__(self, engine: BacktestEngine) -> None:
        self._cache = engine.cache
        self.accounts = {
            account.id: account
            for venue in engine.list_venues()
            if (account := engine.cache.account_for_venue(venue)) is not None
        }
        self._terms: dict[object, PositionTerms] = {}

    @cached_property
    def currency(self) -> str | None:
        """Return the currency of the run: the first account's base, or that of its capital."""
        for account in self.accounts.values():
            if account.base_currency is not None:
                return str(account.base_currency.code)
        held = list(self.starting_balances)
        if len(held) < 2:  # noqa: PLR2004 - one currency needs no choosing
            return held[0] if held else None
        settling = Counter(settlement_currency(i).code for i in self._cache.instruments())
        return max(held, key=lambda code: (settling[code], -held.index(code)))

    @cached_property
    def starting_balances(self) -> Amounts:
        """Return the capital that the accounts began with, by currency."""
        return _total(_amounts(a.starting_balances()) for a in self.accounts.values())

    @property
    def is_convertible_at_once(self) -> bool:
        """Tell whether the starting capital needs no exchange rate."""
        return set(self.starting_balances) <= {self.currency}

    def balances(self) -> dict[AccountId, Amounts]:
        """Return the balances of each account now, copied."""
        return {key: _amounts(a.balances_total()) for key, a in self.accounts.items()}

    def final_balance(self) -> Decimal | None:
        """Return the balances of all accounts now; None if they cannot be converted."""
        balances = _total(_amounts(a.balances_total()) for a in self.accounts.values())
        return self.convert(balances) if self.accounts else None

    def convert(self, amounts: Amounts, market: Market | None = None) -> Decimal | None:
        """Return the sum of amounts in the currency of the run; None without an exchange rate."""
        try:
            with localcontext(EXACT):
                return self._converted(amounts, market or Market(self._cache))
        except NoRateError:
            return None

    def value(
        self,
        balances: Iterable[Amounts],
        positions: Iterable[Position | PositionEvent],
        market: Market,
    ) -> AccountValue:
        """Value all accounts: their balances, and open positions or the events that made them."""
        with localcontext(EXACT):
            try:
                balance = self._converted(_total(balances), market)
            except NoRateError as error:
                return AccountValue(problem=str(error))
            try:
                equity = balance + self._converted(self._added(positions, market), market)
            except NoRateError as error:
                return AccountValue(None, balance, str(error))
            return AccountValue(equity, balance, unquoted=frozenset(market.unquoted))

    def unrealised(self, market: Market) -> Decimal | None:
        """Return what the open positions have gained so far; None without an exchange rate."""
        with localcontext(EXACT):
            gained: Amounts = {}
            for position in self._cache.positions_open():
                terms = self.terms_of(position)
                gain = terms.gain(position, market)
                gained[terms.settlement] = gained.get(terms.settlement, ZERO) + gain
        return self.convert(gained, market)

    def account_balances_before(self, time: int) -> list[Amounts]:
        """Return the balances of each account before a time, as its events have them."""
        return [_balances_before(account, time) for account in self.accounts.values()]

    def settlement_of(self, position: Position | PositionEvent) -> str:
        """Return the currency in which a position's profit is settled."""
        return self.terms_of(position).settlement

    @cached_property
    def is_in_several_currencies(self) -> bool:
        """Tell whether an account may hold another currency than that of the run."""
        return any(self.base_of(account_id) != self.currency for account_id in self.accounts)

    def needs_rate(self, fill: OrderFilled) -> bool:
        """Tell whether what a fill earns or costs is in another currency than that of the run."""
        paid, earns = fill.commission, self.terms_of(fill, fill).settlement
        return earns != self.currency or (paid is not None and paid.currency.code != self.currency)

    def base_of(self, account_id: AccountId) -> str | None:
        """Return the one currency in which an account is kept, if it is."""
        account = self.accounts.get(account_id)
        base = None if account is None else account.base_currency
        return None if base is None else str(base.code)

    def paid_for(self, account_id: AccountId) -> Iterator[tuple[str, Decimal]]:
        """Yield what an account has paid for each open position that it paid for, by currency."""
        market = Market(self._cache)
        for position in self._cache.positions_open():
            terms = self.terms_of(position)
            if position.account_id == account_id and terms.holding == "value":
                value, gain = terms.adds(position, market), terms.gain(position, market)
                yield terms.currency, EXACT.subtract(value, gain)

    def exchanged(self, fill: OrderFilled) -> Amounts:
        """Return what a fill gave and took of currencies, if it delivered one for the other."""
        if not self.is_in_several_currencies or self.terms_of(fill, fill).holding != "delivered":
            return {}
        instrument = self._cache.instrument(fill.instrument_id)
        size = fill.last_qty.as_decimal() * (1 if fill.is_buy else -1)
        cost = instrument.notional_value(fill.last_qty, fill.last_px)
        paid = cost.as_decimal() * (-1 if fill.is_buy else 1)
        return {str(instrument.get_base_currency().code): size, str(cost.currency.code): paid}

    def _added(self, positions: Iterable[Position | PositionEvent], market: Market) -> Amounts:
        added: Amounts = {}
        for position in positions:
            terms = self.terms_of(position)
            amount = terms.adds(position, market)
            added[terms.currency] = added.get(terms.currency, ZERO) + amount
        return added

    def _converted(self, amounts: Mapping[str, Decimal], market: Market) -> Decimal:
        total = ZERO
        for code, amount in amounts.items():
            if amount:
                total += amount * self._rate(code, market)
        return total

    def _rate(self, code: str, market: Market) -> Decimal:
        rate = market.rate(code, str(self.currency))
        if rate is None:
            raise NoRateError(f"no exchange rate from {code} to {self.currency}")
        return rate

    def terms_of(
        self,
        position: Position | PositionEvent | OrderFilled,
        fill: OrderFilled | None = None,
    ) -> PositionTerms:
        """Return the terms of a position, or of what a fill is of."""
        key = (position.instrument_id, position.account_id)
        if key not in self._terms:
            instrument = self._cache.instrument(position.instrument_id)
            account = self.accounts.get(position.account_id)
            account = account or self._cache.account(position.account_id)
            fill = fill or any_fill(self._cache, position)
            self._terms[key] = PositionTerms.of(instrument, account, fill)
        return self._terms[key]


def _balances_before(account: Account, before: int | None) -> Amounts:
    if before is None or account.last_event.ts_event < before:
        return _amounts(account.balances_total())
    found: Amounts = {}
    for event in reversed(account.events):
        if event.ts_event < before:
            found = told_by(event) | found
            if len(found) == len(account.balances_total()):
                return found
    return _amounts(account.starting_balances()) | found


def told_by(event: AccountState) -> Amounts:
    """Return the balances that an event tells, which may be only those that it has changed."""
    return {str(b.currency.code): b.total.as_decimal() for b in event.balances}


def _amounts(money: Mapping[Currency, object]) -> Amounts:
    return {str(currency.code): m.as_decimal() for currency, m in money.items()}  # type: ignore[attr-defined]


def _total(parts: Iterable[Amounts]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        for code, amount in part.items():
            total[code] = total.get(code, ZERO) + amount
    return total
