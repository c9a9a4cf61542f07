"""What an order book quoted, replayed from a run's data: the engine of 2.0 keeps no price of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import groupby
from typing import Any

from backtest_store.capture.engines.nautilus2.engine_requests import ARRIVAL

BOOKS = {
    "OrderBookDelta": "apply_delta",
    "OrderBookDeltas": "apply_deltas",
    "OrderBookDepth": "apply_depth",
    "OrderBookDepth10": "apply_depth",
}
BY_ORDERS = "L3_MBO"


def quotes_of(changes: list[Any], book_type: Any) -> list[Any]:
    """Return the quotes of one instrument's book, one for each moment that changed the best prices.

    The book is by price levels, unless its venue's is by orders.
    """
    if not changes:
        return []
    model = import_module(type(changes[0]).__module__)
    is_by_orders = str(getattr(book_type, "name", book_type)) == BY_ORDERS
    kind = model.BookType.L3_MBO if is_by_orders else model.BookType.L2_MBP
    book, found = model.OrderBook(changes[0].instrument_id, kind), []
    with suppress(Exception):  # changes that do not fit: what came before them is known
        for quote in _quotes(model.QuoteTick, book, changes):
            found.append(quote)  # noqa: PERF402 - those before an exception stay
    return found


def _quotes(make: Any, book: Any, changes: Iterable[Any]) -> Iterator[Any]:
    newest: tuple[Any, ...] = (None, None)
    for time, together in groupby(changes, ARRIVAL):
        for change in together:
            getattr(book, BOOKS[type(change).__name__])(change)
        prices = book.best_bid_price(), book.best_ask_price()
        if None not in prices and prices != newest:
            sizes = book.best_bid_size(), book.best_ask_size()
            yield make(book.instrument_id, *prices, *sizes, time, time)
            newest = prices
