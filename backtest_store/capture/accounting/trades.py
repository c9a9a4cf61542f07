"""The closed positions of a run, and what each earned after fees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.valuation import Valuation

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.model.events import OrderFilled, PositionEvent
    from nautilus_trader.model.identifiers import PositionId
    from nautilus_trader.model.position import Position

ONE, UNKNOWN = Decimal(1), Decimal("NaN")


@dataclass(frozen=True)
class Trades:
    """Profits after fees in the currency of the run, their signs, and what is wrong with them.

    A profit that nothing converts is NaN; its sign is known all the same.
    """

    profits: list[Decimal]
    signs: list[int]
    warnings: list[str]


def trades_of(valuation: Valuation, closed: Iterable[Position | PositionEvent]) -> Trades:
    """Return what each closed position earned, in the currency of the run."""
    earned = [p.realized_pnl for p in closed if p.realized_pnl is not None]
    amounts = [(str(money.currency.code), money.as_decimal()) for money in earned]
    rates = {code: valuation.convert({code: ONE}) for code in {code for code, _ in amounts}}
    unknown = sorted(code for code, rate in rates.items() if rate is None)
    return Trades(
        profits=[amount * (rates[code] or UNKNOWN) for code, amount in amounts],
        signs=[(amount > 0) - (amount < 0) for _, amount in amounts],
        warnings=[_unknown(code, valuation.currency) for code in unknown],
    )


def closed_positions(cache: CacheFacade) -> list[Position]:
    """Return the closed positions of an engine, those that a netting venue opened again included.

    When an order turns a position around, NautilusTrader 1.221 drops what it closed; its fills are
    with the orders still, and what they closed is worked out from them.
    """
    snapshots, all_fills = _snapshots(cache), _fills(cache)
    closed: list[Position] = []
    for position in cache.positions():
        cycles = [*snapshots.pop(position.id, []), position]
        fills = all_fills.get(position.id, [])
        if {f.trade_id for f in fills} - {f.trade_id for c in cycles for f in c.events}:
            cycles = list(_replay(cache, fills))
        closed.extend(cycle for cycle in cycles if cycle.is_closed)
    return [*closed, *(cycle for rest in snapshots.values() for cycle in rest)]


def count_closed(cache: CacheFacade) -> int:
    """Count the closed positions that the cache has, without unpickling them."""
    ids = cache.position_snapshot_ids()
    snapshots = sum(len(cache.position_snapshot_bytes(position_id)) for position_id in ids)
    return int(cache.positions_closed_count() + snapshots)


def _snapshots(cache: CacheFacade) -> dict[PositionId, list[Position]]:
    ids = cache.position_snapshot_ids()
    return {position_id: cache.position_snapshots(position_id) for position_id in ids}


def _fills(cache: CacheFacade) -> dict[PositionId, list[OrderFilled]]:
    fills: dict[PositionId, list[OrderFilled]] = {}
    events = (event for order in cache.orders() for event in order.events)
    for event in sorted(events, key=lambda event: event.ts_event):
        if type(event).__name__ == "OrderFilled":
            fills.setdefault(event.position_id, []).append(event)
    return fills


def _replay(cache: CacheFacade, fills: Sequence[OrderFilled]) -> Iterator[Position]:
    """Make the positions that fills opened and closed, one after the other."""
    from nautilus_trader.model.position import Position

    position: Position | None = None
    for fill in fills:
        for part in _parts(position, fill):
            if position is None or position.is_closed:
                position = Position(cache.instrument(part.instrument_id), part)
            else:
                position.apply(part)
            if position.is_closed:
                yield position
    if position is not None and position.is_open:
        yield position


def _parts(position: Position | None, fill: OrderFilled) -> list[OrderFilled]:
    """Split a fill that turns a position around, and its commission, as the engine does."""
    if position is None or not position.is_open or not position.is_opposite_side(fill.order_side):
        return [fill]
    excess = fill.last_qty.as_decimal() - position.quantity.as_decimal()
    if excess <= 0:
        return [fill]
    commission = fill.commission
    share = position.quantity.as_decimal() / fill.last_qty.as_decimal()
    closing = type(commission)(commission.as_decimal() * share, commission.currency)
    opening = type(commission)(commission.as_decimal() - closing.as_decimal(), commission.currency)
    size = type(position.quantity)(excess, position.quantity.precision)
    return [_part(fill, position.quantity, closing), _part(fill, size, opening)]


def _part(fill: OrderFilled, quantity: object, commission: object) -> OrderFilled:
    values = type(fill).to_dict(fill)
    return type(fill).from_dict(values | {"last_qty": str(quantity), "commission": str(commission)})


def _unknown(code: str, currency: str | None) -> str:
    return (
        "profit_factor, expectancy, avg_win, avg_loss: undefined, "
        f"no exchange rate from {code} to {currency}"
    )
