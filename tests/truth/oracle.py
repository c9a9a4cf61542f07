"""What a run came to, from its prices and its fills alone, in fractions.

Nothing here is the product's: positions are kept by average cost in a ledger of their own, prices
and exchange rates are looked up in the data that the run was made from. Of the engine it takes the
fills, and one fact: it books money in whole cents.
"""

from __future__ import annotations

import itertools
import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, sqrt

DAY = 86_400 * 10**9
YEAR = 365.25


@dataclass(frozen=True)
class Fill:
    """A fill: the quantity is signed, the fee is in a currency.

    What rested is filled before anybody else is told of the price that fills it.
    """

    time: int
    position: str
    instrument: str
    quantity: Fraction
    price: Fraction
    fee: Fraction
    fee_currency: str
    is_maker: bool = False


@dataclass(frozen=True)
class Terms:
    """An instrument: what its profit is in, units a contract, and the currency it is of.

    One that is inverse earns what it is of; one that is paid for is booked at its whole price, and
    one that is delivered is in the account itself.
    """

    currency: str
    multiplier: Fraction = Fraction(1)
    base: str | None = None
    is_inverse: bool = False
    is_paid: bool = False
    is_delivered: bool = False

    def cost(self, quantity: Fraction, price: Fraction) -> Fraction:
        """Return what a signed quantity is bought for."""
        return rounded(quantity * self.multiplier * price, self.currency)

    def gain(self, quantity: Fraction, entry: Fraction, price: Fraction) -> Fraction:
        """Return what a signed quantity earns between two prices, in whole cents or satoshis."""
        move = 1 / entry - 1 / price if self.is_inverse else price - entry
        return rounded(quantity * self.multiplier * move, self.currency)


@dataclass
class Held:
    """A position: signed quantity, average price, and what it has earned after fees."""

    quantity: Fraction = Fraction(0)
    entry: Fraction = Fraction(0)
    earned: Fraction = Fraction(0)


@dataclass
class Prices:
    """Bid and ask of each instrument over time."""

    times: dict[str, list[int]] = field(default_factory=dict)
    quotes: dict[str, list[tuple[Fraction, Fraction]]] = field(default_factory=dict)

    def add(self, instrument: str, time: int, bid: Fraction, ask: Fraction) -> None:
        """Note a quote; times ascend."""
        self.times.setdefault(instrument, []).append(time)
        self.quotes.setdefault(instrument, []).append((bid, ask))

    def at(self, instrument: str, time: int) -> tuple[Fraction, Fraction]:
        """Return the newest quote until a time."""
        place = bisect_right(self.times[instrument], time)
        return self.quotes[instrument][max(place - 1, 0)]


class HalfCentError(Exception):
    """An amount ends on half a cent: the engine's binary floats take it either way."""


def rounded(amount: Fraction, currency: str) -> Fraction:
    """Round to what the currency has of decimals."""
    parts = 10**8 if currency == "BTC" else 100
    if (amount * parts).denominator == 2:
        raise HalfCentError(float(amount), currency)
    return Fraction(round(amount * parts), parts)


class Ledger:
    """Keeps the books of all accounts; in those of one currency all is booked in that."""

    def __init__(
        self, capital: dict[str, Fraction], home: str, terms: dict[str, Terms], prices: Prices
    ) -> None:
        self.balances = dict(capital)
        self.capital = dict(capital)
        self.home = home
        self.terms = terms
        self.prices = prices
        self.held: dict[str, tuple[str, Held]] = {}
        self.trades: list[Fraction] = []
        self.fees = Fraction(0)

    def rate(self, currency: str, time: int, fill: Fill | None = None) -> Fraction:
        """Return what a unit of a currency is worth at home, and was when a fill happened."""
        if currency == self.home:
            return Fraction(1)
        for name, terms in self.terms.items():
            if terms.base == currency and terms.currency == self.home:
                is_untold = fill is not None and fill.is_maker and fill.instrument == name
                bid, ask = self.prices.at(name, time - is_untold)
                return (bid + ask) / 2
        raise KeyError(currency)

    def book(self, fill: Fill, *, one_currency: bool) -> None:
        """Book a fill: what it closes is realised, its fee is paid."""
        terms = self.terms[fill.instrument]
        _, held = self.held.setdefault(fill.position, (fill.instrument, Held()))
        paid = fill.fee * self.rate(fill.fee_currency, fill.time, fill)
        self.fees += paid
        rate = self.rate(terms.currency, fill.time, fill)
        closing = Fraction(0)
        if held.quantity * fill.quantity < 0:
            closing = min(abs(fill.quantity), abs(held.quantity))
        share = closing / abs(fill.quantity)
        if closing:
            sign = 1 if held.quantity > 0 else -1
            gain = terms.gain(sign * closing, held.entry, fill.price)
            if not (terms.is_delivered or terms.is_paid):
                self.credit(terms.currency, gain, rate, one_currency=one_currency)
            held.earned += gain * rate - paid * share
            held.quantity -= sign * closing
            if not held.quantity:
                self.trades.append(held.earned)
                self.held.pop(fill.position)
        if closing < abs(fill.quantity):
            self.open(fill, abs(fill.quantity) - closing, paid * (1 - share))
        if terms.is_delivered:
            self.deliver(terms, fill)
        if terms.is_paid:
            cost = terms.cost(fill.quantity, fill.price)
            self.credit(terms.currency, -cost, rate, one_currency=one_currency)
        fee_rate = self.rate(fill.fee_currency, fill.time, fill)
        self.credit(fill.fee_currency, -fill.fee, fee_rate, one_currency=one_currency)

    def open(self, fill: Fill, size: Fraction, paid: Fraction) -> None:
        """Add to a position what a fill does not close."""
        _, held = self.held.setdefault(fill.position, (fill.instrument, Held()))
        before = abs(held.quantity)
        held.entry = (before * held.entry + size * fill.price) / (before + size)
        held.quantity += size if fill.quantity > 0 else -size
        held.earned -= paid

    def deliver(self, terms: Terms, fill: Fill) -> None:
        """Exchange one currency for another."""
        for currency, amount in (
            (str(terms.base), fill.quantity),
            (terms.currency, -fill.quantity * fill.price),
        ):
            self.balances[currency] = self.balances.get(currency, Fraction(0)) + amount

    def credit(
        self, currency: str, amount: Fraction, rate: Fraction, *, one_currency: bool
    ) -> None:
        """Credit an amount in its currency, or at home if the account has one currency."""
        if one_currency:
            self.balances[self.home] += rounded(amount * rate, self.home)
        else:
            self.balances[currency] = self.balances.get(currency, Fraction(0)) + amount

    def unrealised(self, time: int) -> Fraction:
        """Return what open positions add to the balances, at home."""
        total = Fraction(0)
        for name, held in self.held.values():
            bid, ask = self.prices.at(name, time)
            terms = self.terms[name]
            price = bid if held.quantity > 0 else ask
            if terms.is_paid:
                total += terms.cost(held.quantity, price) * self.rate(terms.currency, time)
            elif not terms.is_delivered:
                gain = terms.gain(held.quantity, held.entry, price)
                total += gain * self.rate(terms.currency, time)
        return total

    def equity(self, time: int) -> Fraction:
        """Return balances and unrealised profit, at home."""
        held = sum((a * self.rate(c, time) for c, a in self.balances.items()), Fraction(0))
        return held + self.unrealised(time)


def day_of(time: int) -> int:
    """Return the day that a moment ends in."""
    return (time - 1) // DAY


def metrics(
    capital: Fraction, days: Sequence[tuple[int, Fraction]], trades: Sequence[Fraction]
) -> dict[str, object]:
    """Compute the metrics from their definitions."""
    levels = [capital, *(level for _, level in days)]
    returns = [float(b / a - 1) for a, b in itertools.pairwise(levels)]
    length = days[-1][0] - days[0][0] + 1
    found: dict[str, object] = {
        "total_return": float(levels[-1] / capital - 1),
        "net_profit": float(levels[-1] - capital),
        "returns_count": len(returns),
        "periods_per_year": len(returns) / (length / YEAR),
        "max_drawdown": deepest_fall(levels),
        **of_returns(returns, length),
        **of_trades(trades),
    }
    if length >= 90:
        found["cagr"] = float(levels[-1] / capital) ** (YEAR / length) - 1
    return found


def deepest_fall(levels: Iterable[Fraction]) -> float:
    """Return the deepest fall from a peak."""
    peak, deepest = Fraction(0), Fraction(0)
    for level in levels:
        peak = max(peak, level)
        deepest = min(deepest, level / peak - 1)
    return float(deepest)


def of_returns(returns: Sequence[float], length: int) -> dict[str, object]:
    """Compute what needs two returns that differ."""
    if len(returns) < 2 or statistics.pstdev(returns) < 1e-13:
        return {}
    per_year = sqrt(len(returns) / (length / YEAR))
    deviation, mean = statistics.stdev(returns), statistics.fmean(returns)
    downside = sqrt(statistics.fmean(min(r, 0.0) ** 2 for r in returns))
    found: dict[str, object] = {
        "volatility": deviation * per_year,
        "sharpe_ratio": mean / deviation * per_year,
    }
    if downside > 1e-13:
        found["sortino_ratio"] = mean * per_year / downside
    elif mean > 0:
        found["sortino_ratio"] = inf
    return found


def of_trades(trades: Sequence[Fraction]) -> dict[str, object]:
    """Count and average the closed trades."""
    won, lost = [t for t in trades if t > 0], [t for t in trades if t < 0]
    found: dict[str, object] = {
        "total_trades": len(trades),
        "winning_trades": len(won),
        "losing_trades": len(lost),
        "breakeven_trades": len(trades) - len(won) - len(lost),
    }
    if trades:
        found["win_rate"] = len(won) / len(trades)
        found["expectancy"] = float(sum(trades) / len(trades))
    if lost:
        found["avg_loss"] = float(sum(lost) / len(lost))
        found["profit_factor"] = float(sum(won) / -sum(lost))
    elif won:
        found["profit_factor"] = inf
    if won:
        found["avg_win"] = float(sum(won) / len(won))
    return found
