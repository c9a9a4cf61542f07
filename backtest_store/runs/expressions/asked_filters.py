"""What is asked of runs, which commands hand on without loading the filters themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from backtest_store.runs.expressions.where import Subject
    from backtest_store.store.sql import Condition


class Filters(NamedTuple):
    """What is asked of runs, with the metrics, the strategy and the names that it is about."""

    conditions: tuple[Condition, ...] = ()
    metrics: tuple[str, ...] = ()
    strategy: str | None = None
    subjects: tuple[Subject, ...] = ()


EVERY_RUN = Filters()
