"""The instruments of random runs, what each is traded in, and the prices that it may have.

Sizes and price steps are such that averages seldom end on half a cent: what a unit earns by a step
is a multiple of 32 cents. Those of bitcoins are such that what a satoshi is worth never does.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from typing import Any

from nautilus_trader.model.currencies import BTC, ETH, EUR, GBP, USD
from nautilus_trader.model.data import Bar, BarType, QuoteTick, TradeTick
from nautilus_trader.model.enums import AggressorSide, AssetClass, OptionKind
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import (
    BinaryOption,
    CryptoPerpetual,
    FuturesContract,
    Instrument,
    OptionContract,
)
from nautilus_trader.model.objects import Currency, Price, Quantity

from tests.capture.backtests import pair, share
from tests.truth.oracle import DAY, Prices, Terms

FIRST_DAY = 19_723  # the first of 2024
EXPIRY = (FIRST_DAY + 3_650) * DAY
STEP = Fraction(32, 100)
CENT = Price.from_str("0.01")


@dataclass(frozen=True)
class Traded:
    """An instrument, the size of an order's unit, and the steps between which its prices are."""

    instrument: Instrument
    terms: Terms
    unit: int
    step: Fraction = STEP
    levels: tuple[int, int] = (100, 400)
    has_spread: bool = True
    is_long_only: bool = False
    as_priced: str | None = None  # the instrument whose prices are its own, too

    @property
    def name(self) -> str:
        """Return the instrument's id."""
        return str(self.instrument.id)


def future(symbol: str, venue: str, currency: Currency, multiplier: int) -> FuturesContract:
    """A future that does not expire within a run."""
    return FuturesContract(
        InstrumentId(Symbol(symbol), Venue(venue)), Symbol(symbol), AssetClass.INDEX, currency, 2,
        CENT, Quantity.from_int(multiplier), Quantity.from_int(1), symbol, 0, EXPIRY, 0, 0,
    )  # fmt: skip


def option(symbol: str, venue: str) -> OptionContract:
    """A call on a hundred shares."""
    return OptionContract(
        InstrumentId(Symbol(symbol), Venue(venue)), Symbol(symbol), AssetClass.EQUITY, USD, 2,
        CENT, Quantity.from_int(100), Quantity.from_int(1), "ACME", OptionKind.CALL,
        Price.from_str("50.00"), 0, EXPIRY, 0, 0,
    )  # fmt: skip


def binary(symbol: str, venue: str) -> BinaryOption:
    """A bet that pays a dollar or nothing."""
    return BinaryOption(
        InstrumentId(Symbol(symbol), Venue(venue)), Symbol(symbol), AssetClass.ALTERNATIVE, USD, 3,
        0, Price.from_str("0.001"), Quantity.from_int(1), 0, EXPIRY, 0, 0,
    )  # fmt: skip


def perpetual(symbol: str, base: Currency, settled: Currency) -> CryptoPerpetual:
    """A perpetual future in dollars, inverse if it is settled in what it is of."""
    return CryptoPerpetual(
        InstrumentId(Symbol(symbol), Venue("PERP")), Symbol(symbol), base, USD, settled,
        settled == base, 2, 0, CENT, Quantity.from_int(1), 0, 0,
    )  # fmt: skip


# From this version on NautilusTrader books what an option costs in a margin account, too.
PAID = tuple(map(int, version("nautilus_trader").split(".")[:2])) >= (1, 231)
RATE = {"step": Fraction(1, 25), "levels": (23, 36), "has_spread": False}
EURUSD = pair("EUR/USD", EUR, USD)
# By the venue; the first is in every run, and has the exchange rate of the others.
VENUES: dict[str, list[Traded]] = {
    "SIM": [
        Traded(EURUSD, Terms("USD", base="EUR"), 1_000, **RATE),  # type: ignore[arg-type]
        Traded(share("ACME", "SIM"), Terms("USD"), 25),
        Traded(share("SAP", "SIM", EUR), Terms("EUR"), 25),
    ],
    "GLBX": [
        Traded(future("ESM4", "GLBX", USD, 50), Terms("USD", Fraction(50)), 1),
        Traded(option("ACMEC", "GLBX"), Terms("USD", Fraction(100), is_paid=PAID), 1, levels=(4, 40)),
        Traded(binary("RAIN", "GLBX"), Terms("USD", is_paid=PAID), 1_000, Fraction(32, 1000), (2, 30)),
    ],
    "XEUR": [Traded(future("DAXM4", "XEUR", EUR, 25), Terms("EUR", Fraction(25)), 1)],
    "PERP": [
        Traded(
            pair("BTC/USD", BTC, USD, "PERP"), Terms("USD", base="BTC"), 1,
            Fraction(1344), (30, 40), has_spread=False,
        ),
        Traded(
            perpetual("XBTUSD", BTC, BTC), Terms("BTC", is_inverse=True), 10_000,
            has_spread=False, as_priced="BTC/USD.PERP",
        ),
        Traded(perpetual("ETHUSD", ETH, USD), Terms("USD"), 10),
    ],
    "XNAS": [Traded(share("CASHCO", "XNAS"), Terms("USD", is_paid=True), 25, is_long_only=True)],
    "SPOT": [
        Traded(
            pair("GBP/USD", GBP, USD, "SPOT"), Terms("USD", base="GBP", is_delivered=True), 1_000,
            is_long_only=True, **RATE,  # type: ignore[arg-type]
        )
    ],
}  # fmt: skip


def market(draw: random.Random, traded: list[Traded], kind: str) -> tuple[Prices, list[Any]]:
    """Draw the prices of instruments at the same moments, some of them at midnight, as data."""
    prices, data = Prices(), list[Any]()
    time = FIRST_DAY * DAY
    levels = {each.name: draw.randrange(*each.levels) for each in traded}
    for number in range(draw.randrange(4, 60)):
        midnight = (time // DAY + draw.choice([1, 1, 3])) * DAY
        time = draw.choice([midnight, time + DAY // 4, time + DAY])
        for each in traded:
            if number and each.terms.base is None and draw.random() < 0.1:
                continue  # nothing is heard of it this time
            bid, ask = _priced(draw, each, levels, prices, time, has_spread=kind == "quotes")
            prices.add(each.name, time, bid, ask)
            data.append(_element(kind_of(each, kind), each.instrument, time, bid, ask))
    return prices, data


def kind_of(each: Traded, kind: str) -> str:
    """Return the kind of an instrument's data; the engine converts at quotes alone."""
    return kind if each.terms.base is None else "quotes"


def _priced(
    draw: random.Random,
    each: Traded,
    levels: dict[str, int],
    prices: Prices,
    time: int,
    *,
    has_spread: bool,
) -> tuple[Fraction, Fraction]:
    if each.as_priced is not None:
        return prices.at(each.as_priced, time)
    low, high = each.levels
    levels[each.name] = min(high, max(low, levels[each.name] + draw.randrange(-8, 9)))
    bid = levels[each.name] * each.step
    is_wide = has_spread and each.has_spread
    return bid, bid + each.step * (draw.choice([0, 1]) if is_wide else 0)


def _element(kind: str, instrument: Instrument, time: int, bid: Fraction, ask: Fraction) -> object:
    size = instrument.make_qty(100_000)
    low, high = (Price(_exact(p), instrument.price_precision) for p in (bid, ask))
    if kind == "quotes":
        return QuoteTick(instrument.id, low, high, size, size, time, time)
    if kind == "trades":
        number = TradeId(str(time))
        return TradeTick(instrument.id, low, size, AggressorSide.BUYER, number, time, time)
    return Bar(bar_type(instrument.id), low, low, low, low, size, time, time)


def bar_type(instrument_id: InstrumentId) -> BarType:
    """Return the bars in which an instrument's prices come."""
    return BarType.from_str(f"{instrument_id}-1-MINUTE-LAST-EXTERNAL")


def _exact(price: Fraction) -> Decimal:
    return Decimal(price.numerator) / Decimal(price.denominator)
