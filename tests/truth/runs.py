"""Random runs, each as an engine to be recorded and as the prices that it is made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.currencies import EUR, USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Equity, Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from tests.capture.backtests import engine, pair, share
from tests.truth.oracle import DAY, Fill, Ledger, Prices, Terms

STEP = Fraction(32, 100)  # average prices of up to a dozen equal parts never end on half a cent
FIRST_DAY = 19_723  # the first of 2024
RATES = [Fraction(n, 25) for n in range(23, 37)]  # times whole cents, never half a cent


class OrdersConfig(StrategyConfig, frozen=True):
    """Orders by the number of the quote of an instrument that they answer.

    Those of `limits` rest at the price of that quote until one comes that is as good.
    """

    orders: dict[str, dict[int, int]]
    limits: dict[str, dict[int, int]]


class Orders(Strategy):  # type: ignore[misc]
    """Sends what its configuration says."""

    def __init__(self, config: OrdersConfig) -> None:
        super().__init__(config)
        self.seen: dict[str, int] = {}

    def on_start(self) -> None:
        """Ask for the quotes."""
        for name in self.config.orders:
            self.subscribe_quote_ticks(InstrumentId.from_str(name))

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Send the order that this quote is for."""
        name = str(tick.instrument_id)
        number = self.seen.get(name, 0)
        self.seen[name] = number + 1
        if quantity := self.config.orders[name].get(number):
            self.submit_order(self.order_factory.market(*self._asked(tick, quantity)))
        if quantity := self.config.limits[name].get(number):
            price = tick.bid_price if quantity > 0 else tick.ask_price
            self.submit_order(self.order_factory.limit(*self._asked(tick, quantity), price))

    def _asked(self, tick: QuoteTick, quantity: int) -> tuple[InstrumentId, OrderSide, Quantity]:
        instrument = self.cache.instrument(tick.instrument_id)
        side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
        return instrument.id, side, instrument.make_qty(abs(quantity))

    def on_reset(self) -> None:
        """Count from the beginning."""
        self.seen = {}


class FixedFee(FeeModel):  # type: ignore[misc]
    """The same fee for each fill."""

    def __init__(self, fee: Money) -> None:
        super().__init__()
        self.fee = fee

    def get_commission(self, *_: Any) -> Money:
        """Return the fee."""
        return self.fee


@dataclass
class Run:
    """An engine that is ready, and what the oracle needs to know."""

    made: BacktestEngine
    prices: Prices
    terms: dict[str, Terms]
    capital: dict[str, Fraction]
    times: list[int]
    one_currency: bool
    chunks: Sequence[Sequence[QuoteTick]]
    resets: bool


def random_run(seed: int) -> Run:
    """Draw a run."""
    draw = random.Random(seed)
    one_currency = draw.random() < 0.5
    usd_share, eur_share = share("ACME", "SIM"), share("SAP", "SIM", EUR)
    eurusd = pair("EUR/USD", EUR, USD)
    capital = {"USD": Fraction(1_000_000)}
    balances = [Money(1_000_000, USD)]
    if not one_currency:
        capital["EUR"] = Fraction(draw.choice([0, 50_000]))
        balances.append(Money(int(capital["EUR"]), EUR))
    fee = draw.choice([None, Money(Decimal("1.20"), USD), Money(Decimal("2.40"), EUR)])
    if one_currency and fee is not None and fee.currency == EUR:
        fee = Money(Decimal("2.40"), USD)
    settings = {} if fee is None else {"fee_model": FixedFee(fee)}
    made = engine(
        usd_share,
        eur_share,
        eurusd,
        base_currency=USD if one_currency else None,
        balances=balances,
        oms_type=draw.choice([OmsType.NETTING, OmsType.HEDGING]),
        leverage=100,
        **settings,
    )
    prices, quotes = _market(draw, [usd_share, eur_share], eurusd)
    terms = {
        str(usd_share.id): Terms("USD"),
        str(eur_share.id): Terms("EUR"),
        str(eurusd.id): Terms("USD", base="EUR"),
    }
    times = sorted({quote.ts_init for quote in quotes})
    count = len(times)
    orders, limits = (
        {
            str(s.id): {
                draw.randrange(count - 1): draw.choice([-75, -50, -25, 25, 50, 75])
                for _ in range(draw.randrange(most))
            }
            for s in (usd_share, eur_share)
        }
        for most in (9, 4)
    )
    made.add_strategy(Orders(OrdersConfig(orders=orders, limits=limits)))
    middle = draw.randrange(1, count)
    is_streamed = draw.random() < 0.25
    parts = [
        [q for q in quotes if q.ts_init < times[middle]],
        [q for q in quotes if q.ts_init >= times[middle]],
    ]
    chunks = parts if is_streamed else [quotes]
    # After a reset, 1.221 cannot convert what it books (it logs so), and does it a fill later.
    resets = not one_currency and not is_streamed and draw.random() < 0.25
    return Run(made, prices, terms, capital, times, one_currency, chunks, resets)


def _market(
    draw: random.Random, shares: list[Equity], eurusd: Instrument
) -> tuple[Prices, list[QuoteTick]]:
    """Draw quotes of all instruments at the same moments, some of them at midnight."""
    prices, quotes = Prices(), []
    time = FIRST_DAY * DAY
    levels = {str(s.id): draw.randrange(200, 400) for s in shares}
    for _ in range(draw.randrange(4, 60)):
        midnight = (time // DAY + draw.choice([1, 1, 3])) * DAY
        time = draw.choice([midnight, time + DAY // 4, time + DAY])
        rate = draw.choice(RATES)
        quotes.append(_quote(eurusd, time, rate, rate))
        prices.add(str(eurusd.id), time, rate, rate)
        for instrument in shares:
            name = str(instrument.id)
            levels[name] = max(50, levels[name] + draw.randrange(-8, 9))
            bid = levels[name] * STEP
            ask = bid + STEP * draw.choice([0, 1])
            quotes.append(_quote(instrument, time, bid, ask))
            prices.add(name, time, bid, ask)
    return prices, quotes


def _quote(instrument: Instrument, time: int, bid: Fraction, ask: Fraction) -> QuoteTick:
    size = instrument.make_qty(100_000)
    low, high = (Price(float(p), instrument.price_precision) for p in (bid, ask))
    return QuoteTick(instrument.id, low, high, size, size, time, time)


def fills_of(made: BacktestEngine) -> list[Fill]:
    """Return the fills of a run, in the order in which they happened."""
    found = [
        event
        for order in made.cache.orders()
        for event in order.events
        if type(event).__name__ == "OrderFilled"
    ]
    return [
        Fill(
            time=fill.ts_event,
            position=str(fill.position_id),
            instrument=str(fill.instrument_id),
            quantity=Fraction(fill.last_qty.as_decimal()) * (1 if fill.is_buy else -1),
            price=Fraction(fill.last_px.as_decimal()),
            fee=Fraction(fill.commission.as_decimal()),
            fee_currency=str(fill.commission.currency.code),
        )
        for fill in sorted(found, key=lambda fill: (fill.ts_event, fill.ts_init))
    ]


def expected(run: Run) -> tuple[Ledger, Fraction, list[tuple[int, Fraction]]]:
    """Keep the books of a run: the ledger, its capital, and equity at the end of each day."""
    first = run.times[0]
    ledger = Ledger(run.capital, "USD", run.terms, run.prices)
    capital = sum((a * ledger.rate(c, first) for c, a in run.capital.items()), Fraction(0))
    fills, days = fills_of(run.made), []
    by_day = {(time - 1) // DAY: time for time in run.times}
    for day, last in sorted(by_day.items()):
        while fills and (fills[0].time - 1) // DAY <= day:
            ledger.book(fills.pop(0), one_currency=run.one_currency)
        days.append((day, ledger.equity(last)))
    return ledger, capital, days
