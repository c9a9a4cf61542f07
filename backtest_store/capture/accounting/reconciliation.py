"""Whether what the accounts hold is what the fills explain: capital + realised + unrealised."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.ledger import Converter, Ledger
from backtest_store.capture.accounting.valuation import EXACT

if TYPE_CHECKING:
    from backtest_store.statistics.equity_metrics import Equity

CENT = Decimal("0.01")


def differences(
    equity: Equity, ledger: Ledger, unrealised: Decimal | None, valuation: Converter
) -> list[str]:
    """Return a warning for each amount by which the equity is not what the fills explain.

    The engine rounds every booking to the smallest unit of its currency, which is allowed for.
    A run whose accounts hold several currencies gains and loses by their rates without a fill, so
    that of it each balance is explained by itself.
    """
    warnings = [
        f"the equity may lack {amount:+,f} {code}: there was no exchange rate to "
        f"{valuation.currency} when it was booked"
        for code, amount in sorted(ledger.unconverted.items())
    ]
    if not warnings and ledger.bookings is not None:
        return [_told(*difference) for difference in ledger.bookings.differences()]
    if warnings or not valuation.is_convertible_at_once or not equity.values:
        return warnings
    last = equity.values[-1][1]
    with localcontext(EXACT):
        gained = last - equity.starting_capital
        explained = ledger.realised
        if equity.basis == "mark_to_market":
            explained += Decimal("NaN") if unrealised is None else unrealised
        apart = gained - explained
    if not apart.is_finite() or abs(apart) <= CENT * (ledger.fills + 1):
        return []
    return [_told(f"equity in {valuation.currency}", gained, explained)]


def _told(what: str, changed: Decimal, explained: Decimal, precision: int = 2) -> str:
    amounts = (changed, explained, EXACT.subtract(changed, explained))
    change, known, apart = (f"{amount:+,.{precision}f}" for amount in amounts)
    return (
        f"the {what} changed by {change}, the fills explain {known}: {apart} is not accounted for"
    )
