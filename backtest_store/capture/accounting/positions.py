"""The positions of a run, from their opening to their close, and the fills that made them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.model.events import OrderFilled
    from nautilus_trader.model.identifiers import PositionId
    from nautilus_trader.model.position import Position


NUMBER = re.compile(r"-(\d{3,11})$")  # of the fill, at its venue; a random id ends in twelve digits


def in_order(fills: Iterable[Any]) -> list[Any]:
    """Return fills as they happened, those of one moment by the numbers that the venue gave them.

    The orders that they are of tell no order: of two, the later one may be filled before.
    """
    return sorted(fills, key=_place)


def _place(fill: Any) -> tuple[int, int]:
    number = NUMBER.search(str(fill.trade_id))
    return int(fill.ts_event), int(number[1]) if number else 0


def position_cycles(cache: CacheFacade) -> list[Position]:
    """Return the positions of an engine, those that a netting venue opened again each time anew.

    When an order turns a position around, NautilusTrader 1.221 drops what it closed; its fills are
    with the orders still, and what they closed is worked out from them.
    """
    from nautilus_trader.model.position import Position

    ids, all_fills = cache.position_snapshot_ids(), fills_of(cache)
    snapshots = {position_id: cache.position_snapshots(position_id) for position_id in ids}
    found: list[Position] = []
    for position in cache.positions():
        known = [*snapshots.pop(position.id, []), position]
        fills = all_fills.get(position.id, [])
        if {f.trade_id for f in fills} - {f.trade_id for cycle in known for f in cycle.events}:
            known = list(replayed_cycles(Position, cache.instrument(position.instrument_id), fills))
        found.extend(known)
    return [*found, *(cycle for rest in snapshots.values() for cycle in rest)]


def count_closed(cache: CacheFacade) -> int:
    """Count the closed positions that the cache has, without unpickling them."""
    ids = cache.position_snapshot_ids()
    snapshots = sum(len(cache.position_snapshot_bytes(position_id)) for position_id in ids)
    return int(cache.positions_closed_count() + snapshots)


def fills_of(cache: CacheFacade) -> dict[PositionId, list[OrderFilled]]:
    """Return all fills, oldest first, by the position that each of them changed."""
    fills: dict[PositionId, list[OrderFilled]] = {}
    events = (event for order in cache.orders() for event in order.events)
    for fill in in_order(event for event in events if type(event).__name__ == "OrderFilled"):
        fills.setdefault(fill.position_id, []).append(fill)
    return fills


def replayed(position: Any, cache: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each fill of a position, with the position as that left it; the next changes it."""
    instrument, again = cache.instrument(position.instrument_id), None
    for fill in position.events() if callable(position.events) else position.events:
        if again is None:
            again = type(position)(instrument, fill)
        else:
            again.apply(fill)
        yield fill, again


def replayed_cycles(kind: Any, instrument: Any, fills: Sequence[Any]) -> Iterator[Any]:
    """Make the positions that the fills of one id opened and closed, one after the other."""
    position: Any = None
    for fill in fills:
        for part in _parts(position, fill):
            if position is None or position.is_closed:
                position = kind(instrument, part)
            else:
                position.apply(part)
            if position.is_closed:
                yield position
    if position is not None and position.is_open:
        yield position


def _parts(position: Any, fill: Any) -> list[Any]:
    """Split a fill that turns a position around, and its commission, as the engine does."""
    if position is None or not position.is_open or not position.is_opposite_side(fill.order_side):
        return [fill]
    size, held = fill.last_qty.as_decimal(), position.quantity.as_decimal()
    if size <= held:
        return [fill]
    if fill.commission is None:
        return [_part(fill, held, None), _part(fill, size - held, None)]
    fee, unit = fill.commission.as_decimal(), Decimal(1).scaleb(-fill.commission.currency.precision)
    closing = (fee * held / size).quantize(unit)
    return [_part(fill, held, closing), _part(fill, size - held, fee - closing)]


def _part(fill: Any, quantity: Decimal, fee: Decimal | None) -> Any:
    commission = None if fee is None else f"{fee:f} {fill.commission.currency.code}"
    values = type(fill).to_dict(fill)
    return type(fill).from_dict(values | {"last_qty": f"{quantity:f}", "commission": commission})
