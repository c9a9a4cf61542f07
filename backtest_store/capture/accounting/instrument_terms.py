"""What a position in an instrument adds to its account's balance, and in which currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.prices_and_rates import ONE

if TYPE_CHECKING:
    from nautilus_trader.accounting.accounts.base import Account
    from nautilus_trader.model.events import PositionEvent
    from nautilus_trader.model.instruments import Instrument
    from nautilus_trader.model.position import Position

ZERO = Decimal(0)


class NoRateError(Exception):
    """An amount cannot be expressed in the currency of the run."""


@dataclass(frozen=True, kw_only=True)
class PositionTerms:
    """What an open position adds to its account's balance, in `currency`.

    `holding` says what the balance lacks: the unrealised profit (on margin); or the whole value
    (bought for cash); or nothing, as it holds the bought currency itself (spot). `paid_multiplier`
    is what the account pays for in one contract; releases of the engine differ. `unit` is the
    smallest of the currency. A `market` has the price of an instrument, and notes which was
    `unquoted`.
    """

    currency: str
    settlement: str
    unit: Decimal
    multiplier: Decimal
    paid_multiplier: Decimal
    is_inverse: bool
    holding: str

    @classmethod
    def of(cls, instrument: Instrument, account: Account | None, fill: object) -> PositionTerms:
        """Read the terms of an instrument in an account."""
        if type(instrument).__name__ == "BettingInstrument":
            raise NoRateError(f"bets on {instrument.id} have no market value")
        holding = holding_of(instrument, account, fill)
        return cls.held(instrument, settlement_currency(instrument), holding, account, fill)

    @classmethod
    def held(
        cls, instrument: Any, settlement: Any, holding: str, account: Any, fill: object
    ) -> PositionTerms:
        """Read the terms of an instrument of which it is known how an account holds it."""
        currency = instrument.quote_currency if holding == "value" else settlement
        multiplier = paid = Decimal(str(instrument.multiplier))
        if holding == "value" and fill is not None and account is not None:
            paid = _paid_per_unit(instrument, account, fill)
        return cls(
            currency=str(currency.code),
            settlement=str(settlement.code),
            unit=ONE.scaleb(-int(currency.precision)),
            multiplier=multiplier,
            paid_multiplier=paid,
            is_inverse=bool(instrument.is_inverse),
            holding=holding,
        )

    def adds(self, position: Position | PositionEvent, market: Any) -> Decimal:
        """Return what a position adds to the balance, rounded as the engine rounds money."""
        if self.holding == "delivered":
            return ZERO
        if self.holding == "value":
            price, quantity = _price_and_quantity(position, market)
            return self._rounded(quantity * self.paid_multiplier * price)
        return self.gain(position, market)

    def gain(self, position: Position | PositionEvent, market: Any) -> Decimal:
        """Return the unrealised profit of a position, rounded as the engine rounds money."""
        price, quantity = _price_and_quantity(position, market)
        entry = Decimal(str(position.avg_px_open))
        move = ONE / entry - ONE / price if self.is_inverse else price - entry
        return self._rounded(quantity * self.multiplier * move)

    def _rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.unit, rounding=ROUND_HALF_EVEN)


def _price_and_quantity(position: Position | PositionEvent, market: Any) -> tuple[Decimal, Decimal]:
    """Return what a position would fetch for each unit, and how much it is long, or short if < 0.

    Without a price it is that of its last fill.
    """
    is_long = position.side.name == "LONG"
    quantity = position.quantity.as_decimal()
    price: Decimal | None = market.price(position.instrument_id, is_long=is_long)
    if price is None:
        market.unquoted.add(str(position.instrument_id))
        last = position.last_px if hasattr(position, "last_px") else position.last_event.last_px
        price = Decimal(last.as_decimal())
    return price, quantity if is_long else -quantity


def holding_of(instrument: Any, account: Any, fill: object) -> str:
    """Return what of a position the balance of its account lacks, as `PositionTerms` says it."""
    if account is None or not account.calculate_account_state:
        return "profit"
    is_cash = account.is_cash_account
    if not (is_cash() if callable(is_cash) else is_cash):
        return "value" if _is_paid_for(instrument, account, fill) else "profit"
    ask = getattr(instrument, "get_base_currency", None)  # of 1.x; some of 2.0 have the currency
    base = getattr(instrument, "base_currency", None) if ask is None else ask()
    return "delivered" if account.base_currency is None and base is not None else "value"


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


def any_fill(cache: object, position: Position | PositionEvent) -> object:
    """Return the newest fill of a position, if the cache has it."""
    held = cache.position(getattr(position, "position_id", None) or position.id)  # type: ignore[attr-defined]
    events: Sequence[object] = held.events if held is not None else ()
    return events[-1] if events else None


def settlement_currency(instrument: Any) -> Any:
    """Return the currency in which an instrument's profit is settled."""
    ask = getattr(instrument, "get_cost_currency", None)
    if ask is not None:
        return ask()
    quoted = instrument.quote_currency
    return getattr(instrument, "settlement_currency", quoted) if instrument.is_inverse else quoted
