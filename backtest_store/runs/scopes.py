"""Scopes: which of the stored runs count as the trials among which a run was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from backtest_store.models import Record

ScopeName = Literal["strategy", "instrument", "store"]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the trials have in common; None is anything.

    Parameters
    ----------
    strategy_name : str, optional
        Their strategy.
    instrument_ids : tuple of str, optional
        All of their instruments, in the order of the run.
    start_date, end_date : datetime, optional
        The times of their first and last market data.
    """

    strategy_name: str | None = None
    instrument_ids: tuple[str, ...] | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None


def scope_of(run: Record, name: ScopeName) -> Scope:
    """Return the scope of that name that a run is in.

    ``strategy`` is the same strategy on the same instruments over the same time, ``instrument``
    any strategy on them over that time, and ``store`` everything that was ever tried.
    """
    if name == "store":
        return Scope()
    return Scope(
        strategy_name=run.strategy_name if name == "strategy" else None,
        instrument_ids=tuple(run.instrument_ids),
        start_date=run.start_date,
        end_date=run.end_date,
    )
