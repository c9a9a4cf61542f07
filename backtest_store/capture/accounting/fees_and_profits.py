"""What fills came to, each at the rate of its moment, and whether that explains the equity."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.currency_balances import CurrencyBalances
from backtest_store.capture.accounting.instrument_terms import ZERO
from backtest_store.capture.accounting.positions import fills_of, position_cycles, replayed
from backtest_store.capture.accounting.prices_and_rates import ONE, Market
from backtest_store.capture.accounting.valuation import EXACT, Amounts, InOneCurrency, Valuation

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.events import OrderFilled
    from nautilus_trader.model.objects import Money

    from backtest_store.statistics.equity_metrics import Equity


UNKNOWN = Decimal("NaN")


@dataclass
class Trade:
    """A position from its opening to its close.

    `profit` is after fees in the currency of the run, NaN if something of it could not be
    converted; `own` is what it earned in its settlement currency, after the fees in that.
    """

    profit: Decimal = ZERO
    own: Decimal = ZERO

    @property
    def sign(self) -> int:
        """Return 1 of a winning trade, -1 of a losing one, else 0."""
        value = self.profit if self.profit.is_finite() else self.own
        return (value > 0) - (value < 0)


class Ledger:
    """Books every change of a position and every fee when it happens, in the currency of the run.

    `realised` is after all fees of all fills; it and `fees` are NaN where an amount could not be
    converted, and `unconverted` has those amounts by currency.
    """

    def __init__(
        self, valuation: InOneCurrency, currency_balances: CurrencyBalances | None = None
    ) -> None:
        self._valuation = valuation
        self._open: dict[object, Trade] = {}
        self.trades: list[Trade] = []
        self.fees = ZERO
        self.realised = ZERO
        self.unconverted: Amounts = {}
        self.currency_balances = currency_balances
        self.fills = 0

    def fill(self, fill: OrderFilled, market: Any) -> None:
        """Book the commission of a fill."""
        self.fills += 1
        if fill.commission is not None:
            code, amount = str(fill.commission.currency.code), fill.commission.as_decimal()
            self.fees = EXACT.add(self.fees, self._converted(code, amount, market))
        if self.currency_balances is not None:
            self.currency_balances.fill(fill, market)

    def change(
        self, key: object, position: Any, realised: Money | None, fees: Amounts, market: Any
    ) -> None:
        """Book what a position has earned and paid since it was booked before.

        `realised` is its profit so far, after the fees in its settlement currency; `fees` are those
        of the fill that changed it, by currency.
        """
        if self.currency_balances is not None:
            self.currency_balances.change(key, position, realised, fees, market)
        trade = self._open.setdefault(key, Trade())
        settlement = self._valuation.settlement_of(position)
        own = ZERO if realised is None else realised.as_decimal()
        earned = self._converted(settlement, EXACT.subtract(own, trade.own), market)
        for code, paid in fees.items():
            if code != settlement:  # what is paid in that is in the realised profit already
                earned = EXACT.subtract(earned, self._converted(code, paid, market))
        trade.own = own
        trade.profit = EXACT.add(trade.profit, earned)
        self.realised = EXACT.add(self.realised, earned)

    def close(self, key: object) -> None:
        """Book that a position is closed."""
        trade = self._open.pop(key, None)
        if trade is not None:
            self.trades.append(trade)
        if self.currency_balances is not None:
            self.currency_balances.close(key)

    def _converted(self, code: str, amount: Decimal, market: Any) -> Decimal:
        if not amount or code == self._valuation.currency:
            return amount
        converted = self._valuation.convert({code: amount}, market)
        if converted is None:
            self.unconverted[code] = EXACT.add(self.unconverted.get(code, ZERO), amount)
            return UNKNOWN
        return converted


def currency_balances_of(valuation: Valuation) -> CurrencyBalances | None:
    """Return where a run's balances are explained one by one, if it has several currencies."""
    return CurrencyBalances(valuation) if valuation.is_in_several_currencies else None


def ledger_of(engine: BacktestEngine, valuation: Valuation) -> Ledger:
    """Return the ledger of a run that nobody watched, from the fills that the cache still has.

    Rates are those that the cache remembers of each moment, the newest 10,000 prices unless
    configured otherwise.
    """
    cache, ledger = engine.cache, Ledger(valuation, currency_balances_of(valuation))
    for fill in (fill for of_one in fills_of(cache).values() for fill in of_one):
        ledger.fill(fill, Market(cache, before=fill.ts_event + 1))
    for key, cycle in enumerate(position_cycles(cache)):
        for fill, again in replayed(cycle, cache):
            market = Market(cache, before=fill.ts_event + 1)
            ledger.change(key, again, again.realized_pnl, fee_of(fill), market)
        if cycle.is_closed:
            ledger.close(key)
    return ledger


def fee_of(fill: OrderFilled, quantity: Decimal | None = None) -> Amounts:
    """Return the commission of a fill, or of a part of it, by its currency."""
    if fill.commission is None:
        return {}
    amount = fill.commission.as_decimal()
    share = ONE if quantity is None else EXACT.divide(quantity, fill.last_qty.as_decimal())
    return {str(fill.commission.currency.code): EXACT.multiply(amount, share)}


CENT = Decimal("0.01")


def differences(
    equity: Equity, ledger: Ledger, unrealised: Decimal | None, valuation: InOneCurrency
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
    if not warnings and ledger.currency_balances is not None:
        return [_told(*difference) for difference in ledger.currency_balances.differences()]
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
