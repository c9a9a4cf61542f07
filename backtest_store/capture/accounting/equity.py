"""The daily equity curve of a run: marked to market if it was sampled, else balances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.market import Market
from backtest_store.capture.accounting.sampler import DAY, Samples
from backtest_store.capture.accounting.valuation import Valuation, Worth
from backtest_store.capture.identity.market_data import moment
from backtest_store.statistics.equity_metrics import Equity

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine

UNKNOWN = Decimal("NaN")
UNWATCHED = "equity is the account's balance: the run was not watched by `record`"


@dataclass(frozen=True)
class Course:
    """An equity curve and what its reader should know of it."""

    equity: Equity
    warnings: Sequence[str]


def course_of(engine: BacktestEngine, valuation: Valuation, samples: Samples | None) -> Course:
    """Return the equity curve of a run."""
    if samples is not None and samples.days and samples.fault is None:
        return _sampled(samples, _capital(engine, valuation, samples))
    reason = UNWATCHED
    if samples is not None:
        reason = f"equity is the account's balance: {samples.fault or 'there was no market data'}"
    values, problems = _balances(engine, valuation)
    capital = _capital(engine, valuation, samples)
    return Course(
        Equity(starting_capital=capital, values=values, basis="balance"), [reason, *problems]
    )


def _sampled(samples: Samples, capital: Decimal) -> Course:
    if all(worth.equity is not None for _, worth in samples.days):
        values = [(day, worth.equity or Decimal(0)) for day, worth in samples.days]
        equity = Equity(starting_capital=capital, values=values, basis="mark_to_market")
        return Course(equity, _unquoted(samples))
    values = [(day, UNKNOWN if w.balance is None else w.balance) for day, w in samples.days]
    reason = next(f"{w.problem} on {day}" for day, w in samples.days if w.problem is not None)
    return Course(
        Equity(starting_capital=capital, values=values, basis="balance"),
        [f"equity is the account's balance: {reason}"],
    )


def _unquoted(samples: Samples) -> list[str]:
    instruments = frozenset[str]().union(*(worth.unquoted for _, worth in samples.days))
    if not instruments:
        return []
    names = ", ".join(sorted(instruments))
    return [f"valued at the price of the last fill, for lack of prices: {names}"]


def _capital(engine: BacktestEngine, valuation: Valuation, samples: Samples | None) -> Decimal:
    capital = None if samples is None else samples.starting_capital
    if capital is None:
        capital = valuation.starting_capital(Market(engine.cache))
    return UNKNOWN if capital is None else capital


def _balances(
    engine: BacktestEngine, valuation: Valuation
) -> tuple[list[tuple[date, Decimal]], list[str]]:
    """Return the balance at the end of each day with market data, from the account's events."""
    days = sorted(_days_with_data(engine))
    worths = [(day, valuation.worth((), before=(day + 1) * DAY, look_back=True)) for day in days]
    problems = {worth.problem: None for _, worth in worths if worth.problem is not None}
    return [(_date(day), _balance(worth)) for day, worth in worths], [*problems]


def _balance(worth: Worth) -> Decimal:
    return UNKNOWN if worth.balance is None else worth.balance


def _days_with_data(engine: BacktestEngine) -> set[int]:
    """Return the days, counted from 1970, of the data that the engine still holds and has run."""
    start, end = engine.backtest_start, engine.backtest_end
    if start is None or end is None:
        return set()
    return {day for day in _days(engine) if start.value // DAY <= day <= end.value // DAY}


def _days(engine: BacktestEngine) -> Iterator[int]:
    data = engine.data
    if data:
        yield from {element.ts_init // DAY for element in data}
        return
    for account in engine.cache.accounts():
        yield from (event.ts_event // DAY for event in account.events[1:])


def _date(day: int) -> date:
    time = moment(day * DAY)
    assert time is not None  # noqa: S101 - a day was given
    return time.date()
