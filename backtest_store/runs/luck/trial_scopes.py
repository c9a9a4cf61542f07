"""Scopes: which of the stored runs count as the trials among which a run was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtest_store.runs.luck import ScopeName
from backtest_store.store import sql

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from backtest_store.models import Record
    from backtest_store.store.sql import Condition


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the trials have in common, instruments in the order of the run; None is anything."""

    strategy_name: str | None = None
    instrument_ids: tuple[str, ...] | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    batch_id: UUID | None = None

    def conditions(self) -> list[Condition]:
        """Return what the stored ones of the trials meet."""
        found = []
        if self.strategy_name is not None:
            found.append(sql.condition("strategy", self.strategy_name))
        if self.instrument_ids is not None:
            dates = self.start_date, self.end_date
            found.append(sql.condition("same_data", [*self.instrument_ids], *dates))
        if self.batch_id is not None:
            found.append(sql.condition("same_batch", self.batch_id))
        return found


def scope_of(run: Record, name: ScopeName) -> Scope:
    """Return the scope of that name that a run is in.

    ``strategy`` is the same strategy on the same instruments over the same time, ``instrument``
    any strategy on them over that time, ``batch`` the same grid, and ``store`` everything that was
    ever tried. A run that is of no grid was made alone: its trials are those of its strategy.
    """
    if name == "store":
        return Scope()
    if name == "batch" and run.batch_id is not None:
        return Scope(batch_id=run.batch_id)
    return Scope(
        strategy_name=None if name == "instrument" else run.strategy_name,
        instrument_ids=tuple(run.instrument_ids),
        start_date=run.start_date,
        end_date=run.end_date,
    )
