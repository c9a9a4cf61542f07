"""The closed positions of a run, and what each earned after fees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.capture.valuation import Valuation

if TYPE_CHECKING:
    from nautilus_trader.cache.base import CacheFacade
    from nautilus_trader.model.events import PositionEvent
    from nautilus_trader.model.position import Position


@dataclass(frozen=True)
class Trades:
    """Profits after fees in the currency of the run, and what is wrong with them."""

    profits: list[Decimal]
    warnings: list[str]


def trades_of(valuation: Valuation, closed: Iterable[Position | PositionEvent]) -> Trades:
    """Return what each closed position earned, in the currency of the run."""
    profits: list[Decimal] = []
    unknown: set[str] = set()
    for position in closed:
        money = position.realized_pnl
        if money is None:
            continue
        code = str(money.currency.code)
        profit = valuation.convert({code: money.as_decimal()})
        if profit is None:
            unknown.add(code)
            profit = Decimal("NaN")
        profits.append(profit)
    return Trades(profits, [_unknown(code, valuation.currency) for code in sorted(unknown)])


def closed_positions(cache: CacheFacade) -> list[Position]:
    """Return the closed positions of an engine, those that a netting venue opened again included."""
    return [*cache.position_snapshots(), *cache.positions_closed()]


def count_closed(cache: CacheFacade) -> int:
    """Count what `closed_positions` returns, without unpickling it."""
    snapshots = sum(
        len(cache.position_snapshot_bytes(position_id)) for position_id in cache.position_snapshot_ids()
    )
    return int(cache.positions_closed_count() + snapshots)


def _unknown(code: str, currency: str | None) -> str:
    return f"trades in {code}: no exchange rate to {currency}"
