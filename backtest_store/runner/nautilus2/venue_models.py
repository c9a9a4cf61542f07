"""What a venue of the short form does that no model of NautilusTrader 2.0 does.

NautilusTrader imports these by the paths that a run's configuration names, so that whoever has
this package can run the configuration without `btstore`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from nautilus_trader.execution import FillModel
from nautilus_trader.model import (
    BookOrder,
    BookType,
    OrderBook,
    OrderSide,
    OrderType,
    Price,
    Quantity,
)

from backtest_store.runner.slippage import worse_price

IS_CODE_OF_RUNS = True
_PLENTY = 1_000_000_000  # units at the price that slips, so that every order finds enough


class SlippageFillModel(FillModel):  # type: ignore[misc]  # compiled, without types
    """Fill every order that takes liquidity at a price that is worse by a fixed measure.

    Parameters
    ----------
    ticks : int, default 0
        Of the instrument's price increments.
    fraction : float, default 0
        Of the price, rounded to the next worse tick.
    """

    def __new__(cls, **_: Any) -> Self:
        """Make the compiled part."""
        made: Self = super().__new__(cls)
        return made

    def __init__(self, ticks: int = 0, fraction: float = 0.0) -> None:
        self._ticks, self._fraction = ticks, Decimal(str(fraction))

    def get_orderbook_for_fill_simulation(
        self, instrument: Any, order: Any, best_bid: Price, best_ask: Price
    ) -> OrderBook | None:
        """Return a book in which there is plenty at the worse prices; None for resting orders."""
        if order.order_type == OrderType.LIMIT:
            return None
        book = OrderBook(instrument.id, BookType.L2_MBP)
        for number, (side, price, sign) in enumerate(
            ((OrderSide.BUY, best_bid, -1), (OrderSide.SELL, best_ask, 1)), 1
        ):
            size = Quantity(_PLENTY, instrument.size_precision)
            book.add(BookOrder(side, self._worse(price, sign, instrument), size, number), 0, 0, 0)
        return book

    def _worse(self, price: Price, sign: int, instrument: Any) -> Price:
        tick = instrument.price_increment.as_decimal()
        worse = worse_price(
            price.as_decimal(), sign, tick, ticks=self._ticks, fraction=self._fraction
        )
        return Price.from_decimal_dp(worse, instrument.price_precision)
