"""What an engine's accounts are worth: balances, and what open positions add to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.instrument_terms import (
    ZERO,
    NoRateError,
    PositionTerms,
    any_fill,
    settlement_currency,
)
from backtest_store.capture.accounting.prices_and_rates import Market
from backtest_store.statistics.metric_values import ARITHMETIC

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.events import AccountState, OrderFilled, PositionEvent
    from nautilus_trader.model.identifiers import AccountId
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


class InOneCurrency(ABC):
    """The accounts of an engine whose run has begun, in the currency of the run.

    Amounts are converted at the exchange rates of a moment: of the cache's prices then on 1.x, of
    the prices in the data up to then on 2.0.
    """

    def __init__(self, engine: Any) -> None:
        self._cache = engine.cache
        found = (engine.cache.account_for_venue(venue) for venue in engine.list_venues())
        self.accounts = {account.id: account for account in found if account is not None}

    @cached_property
    def currency(self) -> str | None:
        """Return the currency of the run."""
        bases = [account.base_currency for account in self.accounts.values()]
        return currency_of(bases, self.starting_balances, self._cache.instruments())

    @cached_property
    def starting_balances(self) -> Amounts:
        """Return the capital that the accounts began with, by currency."""
        return total(a.starting_balances().values() for a in self.accounts.values())

    @property
    def is_convertible_at_once(self) -> bool:
        """Tell whether the starting capital needs no exchange rate."""
        return {code for code, held in self.starting_balances.items() if held} <= {self.currency}

    def final_balance(self) -> Decimal | None:
        """Return the balances of all accounts now; None if they cannot be converted."""
        balances = total(a.balances_total().values() for a in self.accounts.values())
        return self.convert(balances, self._now()) if self.accounts else None

    def unrealised(self) -> Decimal | None:
        """Return what the open positions have gained so far; None without an exchange rate."""
        return self.convert(self._gained(), self._now())

    def convert(self, amounts: Amounts, moment: Any) -> Decimal | None:
        """Return the sum of amounts in the currency of the run; None without an exchange rate."""
        try:
            with localcontext(EXACT):
                return self._converted(amounts, moment)
        except NoRateError:
            return None

    def _converted(self, amounts: Amounts, moment: Any) -> Decimal:
        found = ZERO
        for code, amount in amounts.items():
            if amount:
                rate = self._rate(code, moment)
                if rate is None:
                    raise NoRateError(f"no exchange rate from {code} to {self.currency}")
                found += amount * rate
        return found

    @abstractmethod
    def settlement_of(self, position: Any) -> str:
        """Return the currency in which a position's profit is settled."""

    @abstractmethod
    def _rate(self, code: str, moment: Any) -> Decimal | None:
        """Return the exchange rate of a currency."""

    @abstractmethod
    def _now(self) -> Any:
        """Return the moment at which the engine is."""

    @abstractmethod
    def _gained(self) -> Amounts:
        """Return the unrealised profit of the open positions, by the currency of its settlement."""


class Valuation(InOneCurrency):
    """Values the accounts of an engine of NautilusTrader 1.x by what its cache knows."""

    def __init__(self, engine: BacktestEngine) -> None:
        super().__init__(engine)
        self._terms: dict[object, PositionTerms] = {}

    def balances(self) -> dict[AccountId, Amounts]:
        """Return the balances of each account now, copied."""
        return {key: total([a.balances_total().values()]) for key, a in self.accounts.items()}

    def value(
        self,
        balances: Amounts,
        positions: Iterable[Position | PositionEvent],
        market: Market,
    ) -> AccountValue:
        """Value all accounts: their balances, and open positions or the events that made them."""
        with localcontext(EXACT):
            try:
                balance = self._converted(balances, market)
            except NoRateError as error:
                return AccountValue(problem=str(error))
            try:
                each = ((self.terms_of(position), position) for position in positions)
                held = added((terms.currency, terms.adds(p, market)) for terms, p in each)
                equity = balance + self._converted(held, market)
            except NoRateError as error:
                return AccountValue(None, balance, str(error))
            return AccountValue(equity, balance, unquoted=frozenset(market.unquoted))

    def _gained(self) -> Amounts:
        market = self._now()
        each = ((self.terms_of(p), p) for p in self._cache.positions_open())
        return added((terms.settlement, terms.gain(p, market)) for terms, p in each)

    def _now(self) -> Market:
        return Market(self._cache)

    def balances_before(self, time: int) -> Amounts:
        """Return the balances of all accounts before a time, as their events have them."""
        return summed(_balances_before(account, time) for account in self.accounts.values())

    def settlement_of(self, position: Position | PositionEvent) -> str:
        """Return the currency in which a position's profit is settled."""
        return self.terms_of(position).settlement

    @cached_property
    def is_in_several_currencies(self) -> bool:
        """Tell whether an account may hold another currency than that of the run."""
        return any(self.base_of(account_id) != self.currency for account_id in self.accounts)

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

    def _rate(self, code: str, moment: Market) -> Decimal | None:
        return moment.rate(code, str(self.currency))

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


def currency_of(
    bases: Iterable[Any], held: Iterable[str], instruments: Iterable[Any]
) -> str | None:
    """Return the currency of a run: the first base of its accounts, or else that of its capital.

    Of several it is the one that most instruments settle in.
    """
    for base in bases:
        if base is not None:
            return str(base.code)
    codes = [*held]
    if len(codes) < 2:  # noqa: PLR2004 - one currency needs no choosing
        return codes[0] if codes else None
    settling = Counter(str(settlement_currency(i).code) for i in instruments)
    return max(codes, key=lambda code: (settling[code], -codes.index(code)))


def _balances_before(account: Any, time: int) -> Amounts:
    if account.last_event.ts_event < time:
        return total([account.balances_total().values()])
    return balances_told(account, [e for e in account.events if e.ts_event < time])


def balances_told(account: Any, events: Sequence[AccountState]) -> Amounts:
    """Return the balances of an account after its events up to a moment."""
    found: Amounts = {}
    for event in reversed(events):
        found = told_by(event) | found
        if len(found) == len(account.balances_total()):
            return found
    return total([account.starting_balances().values()]) | found


def told_by(event: AccountState) -> Amounts:
    """Return the balances that an event tells, which may be only those that it has changed."""
    return total([(balance.total for balance in event.balances)])


def total(parts: Iterable[Iterable[Any]]) -> Amounts:
    """Add up money by its currency."""
    return added((str(m.currency.code), m.as_decimal()) for part in parts for m in part)


def summed(parts: Iterable[Amounts]) -> Amounts:
    """Add up what is added up by currency already."""
    return added(item for part in parts for item in part.items())


def added(amounts: Iterable[tuple[str, Decimal]]) -> Amounts:
    """Add up amounts by their currency."""
    found: Amounts = {}
    with localcontext(EXACT):
        for code, amount in amounts:
            found[code] = found.get(code, ZERO) + amount
    return found
