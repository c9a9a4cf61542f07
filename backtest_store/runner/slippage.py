"""By how much an order fills worse, whatever engine fills it."""

from decimal import ROUND_CEILING, Decimal
from typing import Any

from nautilus_trader.model import BookOrder, OrderBook, Price, Quantity

from backtest_store.runner.nautilus_names import BookType, OrderSide, OrderType

IS_CODE_OF_RUNS = True
_PLENTY = 1_000_000_000  # units at the price that slips, so that every order finds enough


class WorseFills:
    """The part of a fill model that fills what takes liquidity worse by a fixed measure."""

    _ticks: int  # of the instrument's price increments
    _fraction: Decimal  # of the price, rounded to the next worse tick

    def get_orderbook_for_fill_simulation(
        self, instrument: Any, order: Any, best_bid: Price, best_ask: Price
    ) -> OrderBook | None:
        """Return a book in which there is plenty at the worse prices; None for resting orders."""
        if order.order_type == OrderType.LIMIT:
            return None
        book = OrderBook(instrument.id, BookType.L2_MBP)
        size = Quantity(_PLENTY, instrument.size_precision)
        bid, ask = self._worse(best_bid, -1, instrument), self._worse(best_ask, 1, instrument)
        book.add(BookOrder(OrderSide.BUY, bid, size, 1), 0, 0, 0)
        book.add(BookOrder(OrderSide.SELL, ask, size, 2), 0, 0, 0)
        return book

    def _worse(self, price: Price, sign: int, instrument: Any) -> Price:
        tick = instrument.price_increment.as_decimal()
        slipped = price.as_decimal() * self._fraction / tick
        steps = self._ticks + slipped.to_integral_value(ROUND_CEILING)
        worse = max(price.as_decimal() + sign * steps * tick, tick)
        return Price.from_str(f"{worse:.{instrument.price_precision}f}")
