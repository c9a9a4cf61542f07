"""Random runs, each as an engine to be recorded and as the prices that it is made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.config import CacheConfig, LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import BTC, EUR, GBP, USD
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

from tests.truth.markets import VENUES, Traded, bar_type, kind_of, market
from tests.truth.oracle import DAY, Fill, Ledger, Prices, Terms

KINDS = ("quotes", "quotes", "trades", "bars")
# Besides dollars; those of cash may be lent by nobody.
OTHER_MONEY = {"SIM": EUR, "XEUR": EUR, "PERP": BTC, "SPOT": GBP}
CASH = ("XNAS", "SPOT")


class OrdersConfig(StrategyConfig, frozen=True):
    """Orders by the number of the price of an instrument that they answer.

    Those of `limits` rest at so many steps from the price, those of `closes` take from the oldest
    position.
    """

    kinds: dict[str, str]
    markets: dict[str, dict[int, int]]
    limits: dict[str, dict[int, tuple[int, str]]]
    closes: dict[str, dict[int, int]]


class Orders(Strategy):  # type: ignore[misc]
    """Sends what its configuration says."""

    def __init__(self, config: OrdersConfig) -> None:
        super().__init__(config)
        self.seen: dict[str, int] = {}
        self.fills: list[Any] = []

    def on_start(self) -> None:
        """Ask for the prices."""
        for name, kind in self.config.kinds.items():
            instrument_id = InstrumentId.from_str(name)
            if kind == "quotes":
                self.subscribe_quote_ticks(instrument_id)
            elif kind == "trades":
                self.subscribe_trade_ticks(instrument_id)
            else:
                self.subscribe_bars(bar_type(instrument_id))

    def on_quote_tick(self, tick: Any) -> None:
        """Answer a quote."""
        self.answer(tick.instrument_id, tick.bid_price, tick.ask_price)

    def on_trade_tick(self, tick: Any) -> None:
        """Answer a trade."""
        self.answer(tick.instrument_id, tick.price, tick.price)

    def on_bar(self, bar: Any) -> None:
        """Answer a bar."""
        self.answer(bar.bar_type.instrument_id, bar.close, bar.close)

    def answer(self, instrument_id: InstrumentId, bid: Price, ask: Price) -> None:
        """Send the orders that this price is for."""
        name, config = str(instrument_id), self.config
        number = self.seen.get(name, 0)
        self.seen[name] = number + 1
        if quantity := config.markets[name].get(number):
            self.submit_order(self.order_factory.market(*self._asked(instrument_id, quantity)))
        if limit := config.limits[name].get(number):
            quantity, distance = limit
            sign, from_ = (1, bid) if quantity > 0 else (-1, ask)
            price = Price(from_.as_decimal() - sign * Decimal(distance), from_.precision)
            asked = self._asked(instrument_id, quantity)
            self.submit_order(self.order_factory.limit(*asked, price))
        if quantity := config.closes[name].get(number):
            self._close(instrument_id, quantity)

    def _close(self, instrument_id: InstrumentId, quantity: int) -> None:
        held = self.cache.positions_open(instrument_id=instrument_id)
        if held:
            position = min(held, key=lambda p: (p.ts_opened, str(p.id)))
            size = min(quantity, int(position.quantity))
            signed = -size if position.side.name == "LONG" else size
            order = self.order_factory.market(*self._asked(instrument_id, signed))
            self.submit_order(order, position_id=position.id)

    def _asked(
        self, instrument_id: InstrumentId, quantity: int
    ) -> tuple[InstrumentId, OrderSide, Quantity]:
        side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
        return instrument_id, side, self.cache.instrument(instrument_id).make_qty(abs(quantity))

    def on_order_filled(self, event: Any) -> None:
        """Note a fill, in the order in which the engine handles those of one moment."""
        self.fills.append(event)

    def on_reset(self) -> None:
        """Count from the beginning."""
        self.seen, self.fills = {}, []


class FixedFee(FeeModel):  # type: ignore[misc]
    """The same fee for each fill."""

    def __init__(self, fee: Money) -> None:
        super().__init__()
        self.fee = fee

    def get_commission(self, *_: Any) -> Money:
        """Return the fee."""
        return self.fee


class RateFee(FeeModel):  # type: ignore[misc]
    """A part of a fill's value, which ends on any cent."""

    def get_commission(
        self, _: Order, quantity: Quantity, price: Price, instrument: Instrument
    ) -> Money:
        """Return the fee."""
        value = instrument.notional_value(quantity, price)
        return Money(value.as_decimal() * Decimal("0.000273"), value.currency)


@dataclass
class Run:
    """An engine that is ready, and what the oracle needs to know."""

    made: BacktestEngine
    prices: Prices
    terms: dict[str, Terms]
    capital: dict[str, Fraction]
    times: list[int]
    one_currency: frozenset[str]
    chunks: Sequence[Sequence[Any]]
    resets: bool


def random_run(seed: int) -> Run:
    """Draw a run."""
    draw = random.Random(seed)
    venues = ["SIM", *(name for name in list(VENUES)[1:] if draw.random() < 0.35)]
    traded = [each for name in venues for each in VENUES[name]]
    made = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            cache=CacheConfig(drop_instruments_on_reset=False),
        )
    )
    capital: dict[str, Fraction] = {}
    one_currency, hedging = set[str](), set[str]()
    for name in venues:
        is_one = _add_venue(draw, made, name, capital, hedging)
        one_currency |= {each.name for each in VENUES[name]} if is_one else set()
    for each in traded:
        made.add_instrument(each.instrument)
    kind = draw.choice(KINDS)
    prices, data = market(draw, traded, kind)
    made.add_strategy(Orders(_orders(draw, kind, traded, prices, hedging)))
    times = sorted({time for each in prices.times.values() for time in each})
    middle = times[draw.randrange(1, len(times))]
    is_streamed = draw.random() < 0.25
    parts = [[d for d in data if d.ts_init < middle], [d for d in data if d.ts_init >= middle]]
    # After a reset, 1.221 cannot convert what it books (it logs so), and does it a fill later.
    resets = not one_currency and not is_streamed and draw.random() < 0.25
    terms = {each.name: each.terms for each in traded}
    chunks = parts if is_streamed else [data]
    return Run(made, prices, terms, capital, times, frozenset(one_currency), chunks, resets)


def _add_venue(
    draw: random.Random,
    made: BacktestEngine,
    name: str,
    capital: dict[str, Fraction],
    hedging: set[str],
) -> bool:
    """Add a venue to an engine; True if its account has one currency."""
    # What is exchanged has to be held, and rates are those of the venue itself.
    is_one = name not in ("SPOT", "XEUR") and draw.random() < 0.5
    other = None if is_one else OTHER_MONEY.get(name)
    oms_type = OmsType.NETTING if name in CASH else draw.choice([OmsType.NETTING, OmsType.HEDGING])
    amounts = {USD: 2_000_000} | ({} if other is None else {other: draw.choice([0, 500])})
    for currency, amount in amounts.items():
        code = str(currency.code)
        capital[code] = capital.get(code, Fraction(0)) + amount
    fees = [None, FixedFee(Money(Decimal("1.20"), USD))]
    # What is paid in euros makes a position in euros smaller from 1.231 on, so there is none.
    if name == "XEUR":
        fees.append(FixedFee(Money(Decimal("2.40"), EUR)))
    if oms_type == OmsType.HEDGING:
        hedging.add(name)
        fees.append(RateFee())
    fee = draw.choice(fees)
    is_cash = name in CASH
    made.add_venue(
        venue=Venue(name),
        oms_type=oms_type,
        account_type=AccountType.CASH if is_cash else AccountType.MARGIN,
        base_currency=USD if is_one else None,
        starting_balances=[Money(amount, currency) for currency, amount in amounts.items()],
        default_leverage=Decimal(1 if is_cash else 100),
        **({} if fee is None else {"fee_model": fee}),
    )
    return is_one


def _orders(
    draw: random.Random, kind: str, traded: list[Traded], prices: Prices, hedging: set[str]
) -> OrdersConfig:
    markets: dict[str, dict[int, int]] = {}
    limits: dict[str, dict[int, tuple[int, str]]] = {}
    closes: dict[str, dict[int, int]] = {}
    for each in traded:
        count, name = len(prices.times[each.name]), each.name
        markets[name], limits[name], closes[name] = {}, {}, {}
        if each.is_long_only:
            markets[name] = _long_only(draw, each, count)
            continue
        for _ in range(draw.randrange(9)):
            markets[name][draw.randrange(count)] = _size(draw, each)
        # The engine converts bitcoins at the inverse perpetual's own price, which it learns late.
        for _ in range(0 if each.as_priced else draw.randrange(4)):
            distance = str(Decimal(draw.randrange(3)) * Decimal(float(each.step)).quantize(SCALE))
            limits[name][draw.randrange(count)] = (_size(draw, each), distance)
        if str(each.instrument.venue) in hedging:
            for _ in range(draw.randrange(6)):
                closes[name][draw.randrange(count)] = abs(_size(draw, each))
    kinds = {each.name: kind_of(each, kind) for each in traded}
    return OrdersConfig(kinds=kinds, markets=markets, limits=limits, closes=closes)


SCALE = Decimal("0.001")


def _size(draw: random.Random, each: Traded) -> int:
    return draw.choice([-3, -2, -1, 1, 2, 3]) * each.unit


def _long_only(draw: random.Random, each: Traded, count: int) -> dict[int, int]:
    held, orders = 0, {}
    for number in sorted(draw.sample(range(count), min(count, draw.randrange(9)))):
        units = draw.randrange(-held, 4)
        if units:
            orders[number] = units * each.unit
            held += units
    return orders


def fills_of(made: BacktestEngine) -> list[Fill]:
    """Return the fills of a run, in the order in which they happened."""
    (strategy,) = made.trader.strategies()
    return [
        Fill(
            time=fill.ts_event,
            position=str(fill.position_id),
            instrument=str(fill.instrument_id),
            quantity=Fraction(fill.last_qty.as_decimal()) * (1 if fill.is_buy else -1),
            price=Fraction(fill.last_px.as_decimal()),
            fee=Fraction(fill.commission.as_decimal()),
            fee_currency=str(fill.commission.currency.code),
            is_maker=fill.liquidity_side == LiquiditySide.MAKER,
        )
        for fill in strategy.fills
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
            fill = fills.pop(0)
            ledger.book(fill, one_currency=fill.instrument in run.one_currency)
        days.append((day, ledger.equity(last)))
    return ledger, capital, days
