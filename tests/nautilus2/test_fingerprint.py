"""The fingerprint of data of 2.0: each argument of each class counts, and 1.x has the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from nautilus_trader import model
from nautilus_trader.model import (
    AggressorSide,
    BarType,
    BookAction,
    BookOrder,
    InstrumentCloseType,
    InstrumentId,
    MarketStatusAction,
    OrderBookDelta,
    OrderSide,
    Price,
    Quantity,
    TradeId,
    TradeTick,
)

from backtest_store.capture.identity.data_fingerprint import Fingerprint, fingerprint

ID, OTHER_ID = InstrumentId.from_str("ACME.XNAS"), InstrumentId.from_str("OTHER.XNAS")
ONE, TWO = Price.from_str("1.00"), Price.from_str("2.00")
SIZE, OTHER_SIZE = Quantity.from_int(1), Quantity.from_int(2)


def _order(size: Quantity, side: OrderSide = OrderSide.BUY) -> BookOrder:
    return BookOrder(side, ONE, size, 1)


def _levels(side: OrderSide) -> tuple[Any, Any]:
    return [_order(SIZE, side)] * 10, [_order(OTHER_SIZE, side)] * 10


def _delta(size: Quantity) -> OrderBookDelta:
    return OrderBookDelta(ID, BookAction.ADD, _order(size), 0, 1, 1, 1)


INSTRUMENT = {"instrument_id": (ID, OTHER_ID)}
EVENT = {"ts_event": (1, 2), "ts_init": (3, 4)}
TIMES = {"flags": (0, 1), "sequence": (1, 2), **EVENT}
GREEKS = ("delta", "gamma", "vega", "theta", "rho", "mark_iv", "bid_iv", "ask_iv")
FLAGS = ("is_trading", "is_quoting", "is_short_sell_restricted")
# Each argument with two values.
ARGUMENTS: dict[str, dict[str, tuple[Any, Any]]] = {
    "Bar": {
        "bar_type": (
            BarType.from_str("ACME.XNAS-1-DAY-LAST-EXTERNAL"),
            BarType.from_str("ACME.XNAS-1-DAY-BID-EXTERNAL"),
        ),
        "open": (TWO, ONE),
        "high": (TWO, Price.from_str("3.00")),
        "low": (ONE, Price.from_str("0.50")),
        "close": (TWO, ONE),
        "volume": (SIZE, OTHER_SIZE),
        **EVENT,
    },
    "QuoteTick": INSTRUMENT
    | {"bid_price": (ONE, TWO), "ask_price": (ONE, TWO)}
    | {"bid_size": (SIZE, OTHER_SIZE), "ask_size": (SIZE, OTHER_SIZE)}
    | EVENT,
    "TradeTick": INSTRUMENT
    | {"price": (ONE, TWO), "size": (SIZE, OTHER_SIZE), "trade_id": (TradeId("1"), TradeId("2"))}
    | {"aggressor_side": (AggressorSide.BUY, AggressorSide.SELL)}
    | EVENT,
    "OrderBookDelta": INSTRUMENT
    | {"action": (BookAction.ADD, BookAction.DELETE), "order": (_order(SIZE), _order(OTHER_SIZE))}
    | TIMES,
    "OrderBookDeltas": {
        "instrument_id": (ID, ID),  # that of its deltas
        "deltas": ([_delta(SIZE)], [_delta(OTHER_SIZE)]),
    },
    "OrderBookDepth": INSTRUMENT
    | {"bids": _levels(OrderSide.BUY), "asks": _levels(OrderSide.SELL)}
    | {name: ([1] * 10, [1] * 9 + [2]) for name in ("bid_counts", "ask_counts")}
    | TIMES,
    "MarkPriceUpdate": INSTRUMENT | {"value": (ONE, TWO)} | EVENT,
    "IndexPriceUpdate": INSTRUMENT | {"value": (ONE, TWO)} | EVENT,
    "FundingRateUpdate": INSTRUMENT
    | {"rate": (1, 2), "interval": (1, 2), "next_funding_ns": (1, 2)}
    | EVENT,
    "InstrumentStatus": INSTRUMENT
    | {"action": (MarketStatusAction.TRADING, MarketStatusAction.HALT)}
    | {"reason": ("a", "b"), "trading_event": ("a", "b")}
    | dict.fromkeys(FLAGS, (True, False))
    | EVENT,
    "InstrumentClose": INSTRUMENT
    | {"close_price": (ONE, TWO)}
    | {"close_type": (InstrumentCloseType.END_OF_SESSION, InstrumentCloseType.CONTRACT_EXPIRED)}
    | EVENT,
    "OptionGreeks": INSTRUMENT
    | dict.fromkeys((*GREEKS, "underlying_price", "open_interest"), (0.1, 0.1 + 1e-15))
    | EVENT,
}


def _one_at_a_time() -> Iterator[Any]:
    for name, arguments in ARGUMENTS.items():
        for argument in [n for n, (one, other) in arguments.items() if one != other]:
            yield pytest.param(name, argument, id=f"{name}.{argument}")


@pytest.mark.parametrize(("name", "argument"), [*_one_at_a_time()])
def test_each_argument_of_market_data_counts(name: str, argument: str) -> None:
    kind, arguments = getattr(model, name), ARGUMENTS[name]
    first = {given: values[0] for given, values in arguments.items()}
    changed = first | {argument: arguments[argument][1]}
    usual = fingerprint([kind(**first)])
    assert usual is not None
    assert usual == fingerprint([kind(**first)])
    assert usual != fingerprint([kind(**changed)])


def test_where_a_portion_ends_does_not_count() -> None:
    data = [
        getattr(model, name)(**{given: values[0] for given, values in arguments.items()})
        for name, arguments in ARGUMENTS.items()
    ]
    grown = Fingerprint()
    for element in data:
        grown.add([element])
    assert grown.value == fingerprint(data)


def test_a_trade_has_the_fingerprint_that_1_x_gives_it() -> None:
    sides = (AggressorSide.BUY, AggressorSide.SELL, AggressorSide.NO_AGGRESSOR)
    trades = [TradeTick(ID, ONE, SIZE, side, TradeId("7"), 1, 2) for side in sides]
    assert fingerprint(trades) == (
        "0fca83737eed53b56608b9fe3f68b414e200bd0f4cfc03610a0387c7b3805dbd"
    )
