"""The daily equity curve of a run: marked to market if it was watched, else balances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from backtest_store.capture.accounting.capital import FirstPrices, StartingCapital
from backtest_store.capture.accounting.days import beginning_of, date_of, day_of, midnight_after
from backtest_store.capture.accounting.equity_sampler import Samples
from backtest_store.capture.accounting.prices_and_rates import Market
from backtest_store.capture.accounting.valuation import AccountValue, Valuation
from backtest_store.statistics.equity_metrics import Equity

if TYPE_CHECKING:
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.core.data import Data

UNKNOWN = Decimal("NaN")
UNWATCHED = "equity is the account's balance: the run was not watched by `record`"


@dataclass(frozen=True)
class EquityCurve:
    """An equity curve and what its reader should know of it."""

    equity: Equity
    warnings: Sequence[str]


def equity_curve(
    engine: BacktestEngine, valuation: Valuation, samples: Samples | None
) -> EquityCurve:
    """Return the equity curve of a run."""
    capital = starting_capital(engine, valuation, samples)
    if samples is not None and samples.days and samples.fault is None:
        return _sampled(samples, capital)
    reason = UNWATCHED
    if samples is not None:
        reason = f"equity is the account's balance: {samples.fault or 'there was no market data'}"
    values, problems = _balances(engine, valuation)
    equity = Equity(
        starting_capital=capital, values=values, basis="balance", begins=_beginning(engine)
    )
    return EquityCurve(equity, [reason, *problems])


def starting_capital(
    engine: BacktestEngine, valuation: Valuation, samples: Samples | None
) -> Decimal:
    """Return the capital in the currency of the run, each currency at its first known price."""
    if samples is not None and samples.starting_capital is not None:
        return samples.starting_capital
    capital = StartingCapital(valuation)
    if not capital.is_known:
        capital.look(FirstPrices(engine))
    return UNKNOWN if capital.amount is None else capital.amount


def _sampled(samples: Samples, capital: Decimal) -> EquityCurve:
    if all(value.equity is not None for _, value in samples.days):
        values = [(day, value.equity or Decimal(0)) for day, value in samples.days]
        equity = Equity(
            starting_capital=capital, values=values, basis="mark_to_market", begins=samples.begins
        )
        return EquityCurve(equity, _unquoted(samples))
    values = [(day, _balance(value)) for day, value in samples.days]
    reason = next(f"{v.problem} on {day}" for day, v in samples.days if v.problem is not None)
    return EquityCurve(
        Equity(starting_capital=capital, values=values, basis="balance", begins=samples.begins),
        [f"equity is the account's balance: {reason}"],
    )


def _unquoted(samples: Samples) -> list[str]:
    instruments = frozenset[str]().union(*(value.unquoted for _, value in samples.days))
    if not instruments:
        return []
    names = ", ".join(sorted(instruments))
    return [f"valued at the price of the last fill, for lack of prices: {names}"]


def _balances(
    engine: BacktestEngine, valuation: Valuation
) -> tuple[list[tuple[date, Decimal]], list[str]]:
    """Return the balance at the end of each day with market data, from the account's events."""
    values = []
    for day in sorted(_days_with_data(engine)):
        end = midnight_after(day) + 1
        market = Market(engine.cache, before=end)
        values.append((day, valuation.value(valuation.balances_before(end), (), market)))
    problems = {value.problem: None for _, value in values if value.problem is not None}
    return [(date_of(day), _balance(value)) for day, value in values], [*problems]


def _balance(value: AccountValue) -> Decimal:
    return UNKNOWN if value.balance is None else value.balance


def _days_with_data(engine: BacktestEngine) -> set[int]:
    """Return the days, counted from 1970, of the data that the engine still holds and has run."""
    start, end = engine.backtest_start, engine.backtest_end
    if start is None or end is None:
        return set()
    return {day_of(time) for time in _times(engine) if start.value <= time <= end.value}


def _times(engine: BacktestEngine) -> Iterator[int]:
    if engine.data:
        yield from (element.ts_init for element in engine.data)
        return
    for account in engine.cache.accounts():
        yield from (event.ts_event for event in account.events[1:])


def _beginning(engine: BacktestEngine) -> date | None:
    start = engine.backtest_start
    run: Iterator[Data] = (d for d in engine.data if start is None or d.ts_init >= start.value)
    first = next(run, None)
    return None if first is None else beginning_of(first)
