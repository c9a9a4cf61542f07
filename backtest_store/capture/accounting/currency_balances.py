"""What a run's fills explain of each balance, where its accounts hold several currencies.

Such a run gains and loses by exchange rates without a fill, so that its equity as a whole cannot be
explained: each balance of each account is, in its own currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.instrument_terms import ZERO
from backtest_store.capture.accounting.prices_and_rates import Market
from backtest_store.capture.accounting.valuation import (
    EXACT,
    Amounts,
    Valuation,
    added,
    total,
)

if TYPE_CHECKING:
    from nautilus_trader.accounting.accounts.base import Account
    from nautilus_trader.model.events import OrderFilled
    from nautilus_trader.model.identifiers import AccountId
    from nautilus_trader.model.objects import Money

UNKNOWN = Decimal("NaN")


class CurrencyBalances:
    """Adds up what each account was credited, in its currency if it is kept in one alone."""

    def __init__(self, valuation: Valuation) -> None:
        self._valuation = valuation
        self._booked: dict[tuple[object, str], Decimal] = {}
        self._own: dict[object, Decimal] = {}
        self._fills = 0

    def fill(self, fill: OrderFilled, market: Market) -> None:
        """Book what a fill exchanged, if it delivered one currency for another, and its fee."""
        self._fills += 1
        exchanged = self._valuation.exchanged(fill)
        for code, amount in exchanged.items():
            self._book(fill.account_id, code, amount, market)
        if exchanged and fill.commission is not None:
            paid = -fill.commission.as_decimal()
            self._book(fill.account_id, str(fill.commission.currency.code), paid, market)

    def change(
        self, key: object, position: Any, realised: Money | None, fees: Amounts, market: Market
    ) -> None:
        """Book what a position has earned and paid since it was booked before, as a ledger does."""
        terms = self._valuation.terms_of(position)
        own = ZERO if realised is None else realised.as_decimal()
        amounts = {terms.settlement: EXACT.subtract(own, self._own.get(key, ZERO))}
        amounts |= {code: -paid for code, paid in fees.items() if code != terms.settlement}
        self._own[key] = own
        if terms.holding == "delivered":
            return
        base = self._valuation.base_of(position.account_id)
        # What was paid for is converted at another moment than what it is sold for.
        is_known = terms.holding != "value" or base in (None, terms.settlement)
        for code, amount in amounts.items():
            self._book(position.account_id, code, amount if is_known else UNKNOWN, market)

    def close(self, key: object) -> None:
        """Forget a position that is closed."""
        self._own.pop(key, None)

    def differences(self) -> Iterator[tuple[str, Decimal, Decimal, int]]:
        """Yield each balance that changed by something else, too: what is explained and is not.

        With the name of a balance come its change, what is explained of it, and the decimal places
        of its currency.
        """
        for account_id, account in self._valuation.accounts.items():
            changed = self._changes(account_id, account)
            for currency in account.currencies():
                code, precision = str(currency.code), int(currency.precision)
                change, explained = changed[code], self._booked.get((account_id, code), ZERO)
                apart = EXACT.subtract(change, explained)
                allowed = (self._fills + 1) * Decimal(1).scaleb(-precision)
                if apart.is_finite() and abs(apart) > allowed:
                    yield f"{code} of {account_id}", change, explained, precision

    def _book(self, account_id: object, code: str, amount: Decimal, market: Market) -> None:
        base = self._valuation.base_of(account_id) or code
        rate = market.rate(code, base) or UNKNOWN
        before = self._booked.get((account_id, base), ZERO)
        self._booked[account_id, base] = EXACT.add(before, EXACT.multiply(amount, rate))

    def _changes(self, account_id: AccountId, account: Account) -> Amounts:
        """Return how balances changed, and what was paid for open positions, not to be told yet."""
        starting = total([account.starting_balances().values()])
        return added(
            [
                *total([account.balances_total().values()]).items(),
                *((code, EXACT.minus(amount)) for code, amount in starting.items()),
                *self._valuation.paid_for(account_id),
            ]
        )
