"""How a run went: from what its engine and its sampler hold to the metrics of its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.equity import Course, course_of
from backtest_store.capture.accounting.sampler import Samples
from backtest_store.capture.accounting.trades import (
    Trades,
    closed_positions,
    count_closed,
    trades_of,
)
from backtest_store.capture.accounting.valuation import Valuation
from backtest_store.capture.engine_statistics import engine_statistics
from backtest_store.capture.guard import attempt
from backtest_store.models import Metrics, Record, Run
from backtest_store.statistics.equity_metrics import Equity
from backtest_store.statistics.metrics import measure

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.model.events import PositionEvent
    from nautilus_trader.model.position import Position

UNKNOWN = Decimal("NaN")
NO_EQUITY = Course(
    Equity(starting_capital=UNKNOWN, values=[], basis="balance"), ["equity could not be captured"]
)
NO_TRADES = Trades([UNKNOWN], [], ["trades could not be captured"])


def with_metrics(
    engine: BacktestEngine, record: Record, samples: Samples | None, warnings: Sequence[str]
) -> Record:
    """Add to the record of a run that has ended how it went; a part that fails is not known."""
    valuation = Valuation(engine)
    course = attempt("measure equity", partial(course_of, engine, valuation, samples), NO_EQUITY)
    earned = partial(_trades, engine, valuation, samples)
    trades = attempt("read the trades", earned, NO_TRADES)
    metrics = measure(
        equity=course.equity,
        final_balance=attempt("read the balances", valuation.final_balance, None),
        trade_profits=trades.profits,
        total_fees=attempt("read the fees", valuation.fees, None),
        engine_stats=attempt("read statistics", partial(engine_statistics, engine), {}),
        warnings=[*warnings, *course.warnings, *trades.warnings],
    )
    return _merged(record, _counted(metrics, trades), course)


def _trades(engine: BacktestEngine, valuation: Valuation, samples: Samples | None) -> Trades:
    """Return the trades that the sampler has seen, or else those that the cache still has."""
    closed: Iterable[Position | PositionEvent]
    if samples is not None and len(samples.trades) >= count_closed(engine.cache):
        closed = samples.trades
    else:
        closed = closed_positions(engine.cache)
    return trades_of(valuation, closed)


def _counted(metrics: Metrics, trades: Trades) -> Metrics:
    """Count the trades by what they earned in their own currency, if none converts it."""
    if not trades.signs or all(profit.is_finite() for profit in trades.profits):
        return metrics
    won, lost = trades.signs.count(1), trades.signs.count(-1)
    return replace(
        metrics,
        total_trades=len(trades.signs),
        winning_trades=won,
        losing_trades=lost,
        breakeven_trades=len(trades.signs) - won - lost,
        win_rate=won / len(trades.signs),
        warnings=[w for w in metrics.warnings or () if not w.startswith("total_trades, ")],
    )


def _merged(record: Record, metrics: Metrics, course: Course) -> Record:
    capital = course.equity.starting_capital
    run = {field.name: getattr(record, field.name) for field in fields(Run)}
    if record.initial_capital is None and capital.is_finite():
        run["initial_capital"] = capital
    return Record(**run, **asdict(metrics))
