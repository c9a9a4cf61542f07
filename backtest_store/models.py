"""Rows of the store. A field has its column's name; a metric is one field and one column.

These are plain dataclasses because the commands that read must start fast; `validate` and
`to_json` put Pydantic to work on them where data comes from outside: a captured engine, a spool
file, an import.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Json = dict[str, Any]
JsonValue = None | bool | int | float | str | list[Any] | dict[str, Any]
Status = Literal["success", "stopped", "failed", "interrupted"]
STATUSES_WITH_METRICS = ("success", "stopped")
EquityBasis = Literal["mark_to_market", "balance"]
PeriodLength = Literal["month", "day"]
Unit = Literal["fraction", "ratio", "money", "count", "date", "month", "text", "json"]
Best = Literal["highest"]


def figure(unit: Unit) -> Any:
    """Declare a number that is always known: the unit it is shown in."""
    return field(metadata={"unit": unit})


def metric(unit: Unit, best: Best | None = None) -> Any:
    """Declare a metric: the unit it is shown in, and whether more of it is better."""
    return field(default=None, metadata={"unit": unit, "best": best})


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was run, on what, and how it ended: a row of `backtest_runs`.

    Times are UTC, `duration_seconds` is wall time, money is in `currency`, the account's base.
    """

    run_id: UUID
    status: Status
    started_at: datetime
    duration_seconds: float | None = None
    strategy_name: str
    strategy_type: str = "unclassified"
    instrument_ids: list[str] = field(default_factory=list)
    start_date: datetime | None = None
    end_date: datetime | None = None
    initial_capital: Decimal | None = None
    currency: str | None = None
    data_source: str | None = None
    data_fingerprint: str | None = None
    parameters: Json = field(default_factory=dict)
    config_snapshot: Json = field(default_factory=dict)
    config_hash: str | None = None
    code_hash: str | None = None
    provenance: Json = field(default_factory=dict)
    error_type: str | None = None
    error_message: str | None = None
    error_traceback: str | None = None
    reproduced_from: UUID | None = None
    batch_id: UUID | None = None
    batch_name: str | None = None

    @property
    def has_metrics(self) -> bool:
        """Tell whether the run came as far as to have metrics."""
        return self.status in STATUSES_WITH_METRICS


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """What people say of a run, as it stands: a row of `annotations`, or none.

    `name` replaces `strategy_name` in lists.
    """

    tags: list[str] = field(default_factory=list)
    note: str | None = None
    starred: bool = False
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """How a run went that succeeded or was stopped: `performance_metrics` and `periods` have it.

    Fractions, not percent (0.15 is 15 %); money in the account's base currency; ratios are
    annualised where the field's literature annualises them. None is undefined, and `warnings`
    says why. `backtest_store.statistics.metrics` has the definitions.
    """

    total_return: float | None = metric("fraction", "highest")
    cagr: float | None = metric("fraction", "highest")
    volatility: float | None = metric("fraction")
    sharpe_ratio: float | None = metric("ratio", "highest")
    sortino_ratio: float | None = metric("ratio", "highest")
    calmar_ratio: float | None = metric("ratio", "highest")
    max_drawdown: float | None = metric("fraction", "highest")
    max_drawdown_date: date | None = metric("date")
    final_balance: Decimal | None = metric("money")
    net_profit: Decimal | None = metric("money", "highest")
    unrealised_profit: Decimal | None = metric("money")
    total_fees: Decimal | None = metric("money")
    total_trades: int | None = metric("count")
    winning_trades: int | None = metric("count")
    losing_trades: int | None = metric("count")
    breakeven_trades: int | None = metric("count")
    win_rate: float | None = metric("fraction", "highest")
    profit_factor: float | None = metric("ratio", "highest")
    expectancy: Decimal | None = metric("money", "highest")
    avg_win: Decimal | None = metric("money")
    avg_loss: Decimal | None = metric("money")
    returns_count: int | None = metric("count")
    periods_per_year: float | None = metric("ratio")
    buy_and_hold_return: float | None = metric("fraction")
    returns_skewness: float | None = metric("ratio")
    returns_kurtosis: float | None = metric("ratio")
    returns_autocorrelation: float | None = metric("ratio")
    period: PeriodLength | None = metric("text")
    period_start: date | None = metric("text")
    period_returns: list[float | None] | None = metric("text")
    period_counts: list[int] | None = metric("text")
    period_means: list[float | None] | None = metric("text")
    period_deviations: list[float | None] | None = metric("text")
    equity_basis: EquityBasis | None = metric("text")
    engine_stats: Json | None = metric("json")
    warnings: list[str] | None = metric("text")


@dataclass(frozen=True, kw_only=True)
class Record(Metrics, Annotations, Run):
    """One run, flat: its own fields, what is said of it, its metrics (None without a result).

    This is what commands print and what the spool, `export` and `import` carry. Queries that
    list runs leave the fields of `UNLISTED` at their defaults.
    """

    # JSON has no infinity; PostgreSQL reads this text as one.
    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012 - Pydantic asks for it

    @property
    def title(self) -> str:
        """Return what lists call the run: the name that somebody gave it, or its strategy's."""
        return self.name or self.strategy_name


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """A run whose id lies in a range: the range's place in what was asked, from 1, and the id."""

    position: int
    run_id: UUID


@dataclass(frozen=True, kw_only=True)
class MonthsOfRun:
    """What a run did over some of its months, as `backtest_store.statistics.months.Span` has it."""

    run_id: UUID
    total_return: float | None = metric("fraction")
    sharpe_ratio: float | None = metric("ratio")
    max_drawdown: float | None = metric("fraction")


@dataclass(frozen=True, kw_only=True)
class TrialCount:
    """How many configurations were tried, and the standard deviation of their Sharpe ratios.

    The ratios are not annualised; None where fewer than two are known.
    """

    trials: int
    deviation: float | None = None


@dataclass(frozen=True, kw_only=True)
class OtherPeriod:
    """How a run's configuration did at another time."""

    run_id: UUID
    start_date: datetime | None
    end_date: datetime | None
    sharpe_ratio: float


@dataclass(frozen=True, kw_only=True)
class InputValue:
    """What one or two inputs of a run were, as JSON text, and a metric of it."""

    first: str | None
    second: str | None
    value: float


@dataclass(frozen=True, kw_only=True)
class StoreSize:
    """What the store holds: runs, bytes on disk with indexes, and its server's version."""

    runs: int
    bytes: int
    server_version: str


RUN_FIELDS = tuple(f.name for f in (*fields(Run), *fields(Annotations)))
METRIC_FIELDS = {f.name: f.metadata for f in fields(Metrics)}
RECORD_FIELDS = tuple(f.name for f in fields(Record))
PERIOD_FIELDS = ("period_returns", "period_counts", "period_means", "period_deviations")
UNLISTED = frozenset(
    {"config_snapshot", "provenance", "engine_stats", "error_traceback", *PERIOD_FIELDS}
)


def _default_values() -> Iterator[tuple[str, object]]:
    for f in fields(Record):
        value = f.default if f.default_factory is MISSING else f.default_factory()
        if value is not None and value is not MISSING:
            yield f.name, value


# What a record has that does not say otherwise, as one from before a field was added.
DEFAULTS = json.dumps(dict(_default_values()))


def to_json(record: Record) -> str:
    """Return a record as one line of JSON, decimals as exact numbers, times in ISO 8601."""
    of_a_record = adapter()
    return of_a_record.dump_json(of_a_record.validate_python(record.__dict__)).decode()


@cache
def adapter() -> TypeAdapter[Record]:
    """Return what checks and writes a record; building it takes longer than to save a run."""
    from pydantic import TypeAdapter

    return TypeAdapter(Record)
