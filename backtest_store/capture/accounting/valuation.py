"""What an engine's accounts are worth: balances, and what open positions add to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cached_property
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.market import ONE, Market
from backtest_store.statistics.values import ARITHMETIC

if TYPE_CHECKING:
    from nautilus_trader.accounting.accounts.base import Account
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.events import PositionEvent
    from nautilus_trader.model.identifiers import AccountId
    from nautilus_trader.model.instruments import Instrument
    from nautilus_trader.model.objects import Currency
    from nautilus_trader.model.position import Position

EXACT = ARITHMETIC  # not the caller's: a script may compute its own with three digits
ZERO = Decimal(0)
Amounts = dict[str, Decimal]


class NoRateError(Exception):
    """An amount cannot be expressed in the currency of the run."""


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
    """Values an engine's accounts in one currency.

    Parameters
    ----------
    engine : BacktestEngine
        An engine whose accounts exist, that is: whose run has begun.
    """

    def __init__(self, engine: BacktestEngine) -> None:
        self._cache = engine.cache
        self._accounts = {
            account.id: account
            for venue in engine.list_venues()
            if (account := engine.cache.account_for_venue(venue)) is not None
        }
        self._terms: dict[object, PositionTerms] = {}

    @cached_property
    def currency(self) -> str | None:
        """Return the currency of the run: the first account's base, or that of its capital."""
        for account in self._accounts.values():
            if account.base_currency is not None:
                return str(account.base_currency.code)
        held = list(self.starting_balances)
        if len(held) < 2:  # noqa: PLR2004 - one currency needs no choosing
            return held[0] if held else None
        settling = Counter(_settlement(i).code for i in self._cache.instruments())
        return max(held, key=lambda code: (settling[code], -held.index(code)))

    @cached_property
    def starting_balances(self) -> Amounts:
        """Return the capital that the accounts began with, by currency."""
        return _total(_amounts(a.starting_balances()) for a in self._accounts.values())

    @property
    def is_convertible_at_once(self) -> bool:
        """Tell whether the starting capital needs no exchange rate."""
        return set(self.starting_balances) <= {self.currency}

    def balances(self) -> dict[AccountId, Amounts]:
        """Return the balances of each account now, copied."""
        return {key: _amounts(a.balances_total()) for key, a in self._accounts.items()}

    def final_balance(self) -> Decimal | None:
        """Return the balances of all accounts now; None if they cannot be converted."""
        balances = _total(_amounts(a.balances_total()) for a in self._accounts.values())
        return self.convert(balances) if self._accounts else None

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
        """Value all accounts.

        Parameters
        ----------
        balances : iterable of dict
            The balances of each account, by currency.
        positions : Iterable[Position or PositionEvent]
            The open positions, or the events that made them what they are.
        market : Market
            The prices that count.
        """
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
                terms = self._terms_of(position)
                gain = terms.gain(position, market)
                gained[terms.settlement] = gained.get(terms.settlement, ZERO) + gain
        return self.convert(gained, market)

    def account_balances_before(self, time: int) -> list[Amounts]:
        """Return the balances of each account before a time, as its events have them."""
        return [_balances_before(account, time) for account in self._accounts.values()]

    def settlement_of(self, position: Position | PositionEvent) -> str:
        """Return the currency in which a position's profit is settled."""
        return self._terms_of(position).settlement

    def _added(self, positions: Iterable[Position | PositionEvent], market: Market) -> Amounts:
        added: Amounts = {}
        for position in positions:
            terms = self._terms_of(position)
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

    def _terms_of(self, position: Position | PositionEvent) -> PositionTerms:
        key = (position.instrument_id, position.account_id)
        if key not in self._terms:
            instrument = self._cache.instrument(position.instrument_id)
            account = self._accounts.get(position.account_id)
            account = account or self._cache.account(position.account_id)
            self._terms[key] = PositionTerms.of(
                instrument, account, _any_fill(self._cache, position)
            )
        return self._terms[key]


@dataclass(frozen=True, kw_only=True)
class PositionTerms:
    """What an open position in an instrument adds to its account's balance.

    Parameters
    ----------
    currency : str
        The currency in which it is added.
    settlement : str
        The currency in which its profit is settled.
    precision : int
        That currency's decimal places.
    multiplier : Decimal
        Units of the instrument's base in one contract.
    paid_multiplier : Decimal
        Units that the account pays for in one contract; releases differ.
    is_inverse : bool
        Whether it is settled in its base currency.
    holding : {'profit', 'value', 'delivered'}
        Whether the balance lacks the unrealised profit (on margin); or the whole value (bought
        for cash); or nothing, as it holds the bought currency itself (spot).
    """

    currency: str
    settlement: str
    precision: int
    multiplier: Decimal
    paid_multiplier: Decimal
    is_inverse: bool
    holding: str

    @classmethod
    def of(cls, instrument: Instrument, account: Account | None, fill: object) -> PositionTerms:
        """Read the terms of an instrument in an account."""
        if type(instrument).__name__ == "BettingInstrument":
            raise NoRateError(f"bets on {instrument.id} have no market value")
        holding = _holding(instrument, account, fill)
        currency = instrument.quote_currency if holding == "value" else _settlement(instrument)
        multiplier = paid = Decimal(str(instrument.multiplier))
        if holding == "value" and fill is not None and account is not None:
            paid = _paid_per_unit(instrument, account, fill)
        return cls(
            currency=str(currency.code),
            settlement=str(_settlement(instrument).code),
            precision=int(currency.precision),
            multiplier=multiplier,
            paid_multiplier=paid,
            is_inverse=bool(instrument.is_inverse),
            holding=holding,
        )

    def adds(self, position: Position | PositionEvent, market: Market) -> Decimal:
        """Return what a position adds to the balance, rounded as the engine rounds money."""
        if self.holding == "delivered":
            return ZERO
        if self.holding == "value":
            quantity = position.quantity.as_decimal() * self.paid_multiplier
            signed = quantity if position.side.name == "LONG" else -quantity
            return self._rounded(signed * _price(position, market))
        return self.gain(position, market)

    def gain(self, position: Position | PositionEvent, market: Market) -> Decimal:
        """Return the unrealised profit of a position, rounded as the engine rounds money."""
        price = _price(position, market)
        quantity = position.quantity.as_decimal() * self.multiplier
        signed = quantity if position.side.name == "LONG" else -quantity
        entry = Decimal(str(position.avg_px_open))
        move = ONE / entry - ONE / price if self.is_inverse else price - entry
        return self._rounded(signed * move)

    def _rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(ONE.scaleb(-self.precision), rounding=ROUND_HALF_EVEN)


def _price(position: Position | PositionEvent, market: Market) -> Decimal:
    """Return what a position would fetch for each unit, or else the price of its last fill."""
    price = market.price(position.instrument_id, is_long=position.side.name == "LONG")
    if price is not None:
        return price
    market.unquoted.add(str(position.instrument_id))
    return _last_price(position)


def _holding(instrument: Instrument, account: Account | None, fill: object) -> str:
    if account is None or not account.calculate_account_state:
        return "profit"
    if not account.is_cash_account:
        return "value" if _is_paid_for(instrument, account, fill) else "profit"
    is_delivered = account.base_currency is None and instrument.get_base_currency() is not None
    return "delivered" if is_delivered else "value"


def _is_paid_for(instrument: Instrument, account: Account, fill: object) -> bool:
    """Ask the account whether it books the premium of an option as cash; releases differ."""
    if fill is None:
        return False
    paid = account.calculate_pnls(instrument, fill, None)
    return any(money.as_decimal() for money in paid)


def _paid_per_unit(instrument: Instrument, account: Account, fill: object) -> Decimal:
    """Ask the account what it takes: releases differ in whether the multiplier counts."""
    paid = account.calculate_pnls(instrument, fill, None)
    by_currency = {money.currency.code: abs(money.as_decimal()) for money in paid}
    cost = fill.last_px.as_decimal() * fill.last_qty.as_decimal()  # type: ignore[attr-defined]
    amount = by_currency.get(instrument.quote_currency.code)
    multiplier = Decimal(str(instrument.multiplier))
    candidates = (ONE, multiplier)
    if amount is None or not cost:
        return multiplier
    return min(candidates, key=lambda candidate: abs(candidate - amount / cost))


def _any_fill(cache: object, position: Position | PositionEvent) -> object:
    held = cache.position(getattr(position, "position_id", None) or position.id)  # type: ignore[attr-defined]
    events: Sequence[object] = held.events if held is not None else ()
    return events[-1] if events else None


def _last_price(position: Position | PositionEvent) -> Decimal:
    """Return the price of the last fill: nothing else is known of an unquoted instrument."""
    price = position.last_px if hasattr(position, "last_px") else position.last_event.last_px
    return Decimal(price.as_decimal())


def _settlement(instrument: Instrument) -> Currency:
    return instrument.get_cost_currency()


def _balances_before(account: Account, before: int | None) -> Amounts:
    if before is None or account.last_event.ts_event < before:
        return _amounts(account.balances_total())
    for event in reversed(account.events):
        if event.ts_event < before:
            return {str(b.currency.code): b.total.as_decimal() for b in event.balances}
    return _amounts(account.starting_balances())


def _amounts(money: Mapping[Currency, object]) -> Amounts:
    return {str(currency.code): m.as_decimal() for currency, m in money.items()}  # type: ignore[attr-defined]


def _total(parts: Iterable[Amounts]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        for code, amount in part.items():
            total[code] = total.get(code, ZERO) + amount
    return total
