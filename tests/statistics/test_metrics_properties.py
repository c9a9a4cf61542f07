"""What holds for the metrics of any run, and of any nonsense."""

import math
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from backtest_store.models import METRIC_FIELDS, Metrics
from backtest_store.statistics.metrics import Equity, measure

PERIODS = {
    name for name in METRIC_FIELDS if name.startswith("period") and name != "periods_per_year"
}
UNLIMITED = {"profit_factor", "sortino_ratio", "calmar_ratio"}
COMPUTED = sorted(METRIC_FIELDS.keys() - {"equity_basis", "engine_stats", "warnings"} - PERIODS)
MONEY = ["final_balance", "net_profit", "total_fees", "expectancy", "avg_win", "avg_loss"]

ZERO = Decimal(0)
EXTREMES = ["1E+999999999", "-1E+999999999", "1E-999999999", "1E+6144", "-1E+6144", "sNaN"]

cents = st.decimals(1, 10**7, places=2)
profits = st.lists(st.decimals(-(10**5), 10**5, places=2), max_size=12)
hostile = st.one_of(
    st.decimals(),
    st.sampled_from(EXTREMES).map(Decimal),
    st.floats().map(Decimal),
    st.integers(-3, 3).map(Decimal),
)


@st.composite
def equities(draw: st.DrawFn, money: st.SearchStrategy[Decimal] = cents, least: int = 1) -> Equity:
    """Draw a curve whose days may lie apart."""
    levels = draw(st.lists(money, min_size=least, max_size=12))
    day = draw(st.dates(date(1990, 1, 1), date(2030, 1, 1)))
    values = []
    for level in levels:
        values.append((day, level))
        day += timedelta(draw(st.sampled_from([1, 1, 1, 3, 400])))
    return Equity(starting_capital=draw(money), values=values, basis="balance")


def measured(equity: Equity, trade_profits: list[Decimal]) -> Metrics:
    return measure(
        equity=equity, final_balance=Decimal(1), trade_profits=trade_profits, total_fees=Decimal(0)
    )


def is_a_number(metrics: Metrics, name: str) -> bool:
    """Say whether a metric is finite, or a ratio to losses that never were."""
    value = getattr(metrics, name)
    if isinstance(value, Decimal):
        return value.is_finite()
    if name in UNLIMITED and value == math.inf:
        return True
    return not isinstance(value, float) or math.isfinite(value)


@given(equities(hostile, least=0), st.lists(hostile, max_size=6), st.none() | hostile)
def test_hostile_numbers_are_measured_or_explained(
    equity: Equity, trade_profits: list[Decimal], balance: Decimal | None
) -> None:
    metrics = measure(
        equity=equity, final_balance=balance, trade_profits=trade_profits, total_fees=balance
    )
    explained: list[str] = []
    for line in metrics.warnings or []:
        names, reason = line.split(": undefined, ")
        explained += names.split(", ")
        assert reason
    assert sorted(explained) == [name for name in COMPUTED if getattr(metrics, name) is None]
    assert all(is_a_number(metrics, name) for name in COMPUTED)


@given(equities(hostile, least=2))
def test_days_out_of_order_do_not_raise(equity: Equity) -> None:
    backwards = Equity(
        starting_capital=equity.starting_capital, values=equity.values[::-1], basis="balance"
    )
    metrics = measured(backwards, [])
    assert all(is_a_number(metrics, name) for name in COMPUTED)


@given(equities(hostile, least=0), st.lists(hostile, max_size=6))
def test_what_is_computed_is_possible(equity: Equity, trade_profits: list[Decimal]) -> None:
    metrics = measured(equity, trade_profits)
    assert metrics.max_drawdown is None or metrics.max_drawdown <= 0
    assert metrics.win_rate is None or 0 <= metrics.win_rate <= 1
    assert metrics.volatility is None or metrics.volatility >= 0
    assert metrics.cagr is None or metrics.cagr >= -1
    assert metrics.profit_factor is None or metrics.profit_factor >= 0
    assert metrics.avg_win is None or metrics.avg_win >= 0
    assert metrics.avg_loss is None or metrics.avg_loss <= 0


@given(equities(), profits, st.decimals("0.01", 1000, places=2))
def test_the_unit_of_money_does_not_matter(
    equity: Equity, trade_profits: list[Decimal], unit: Decimal
) -> None:
    with localcontext(Context(prec=50)):
        scaled = Equity(
            starting_capital=equity.starting_capital * unit,
            values=[(day, level * unit) for day, level in equity.values],
            basis="balance",
        )
        theirs: dict[str, Any] = asdict(measured(scaled, [p * unit for p in trade_profits]))
        ours: dict[str, Any] = asdict(measured(equity, trade_profits))
        for name in MONEY[3:]:
            assert (ours[name] is None) == (theirs[name] is None)
            error = (ours[name] or 0) * unit - (theirs[name] or 0)
            assert abs(error) <= abs(theirs[name] or 0) * Decimal("1e-27")
        assert theirs["net_profit"] == ours["net_profit"] * unit
    assert {k: v for k, v in ours.items() if k not in MONEY} == {
        k: v for k, v in theirs.items() if k not in MONEY
    }


@given(equities(), profits)
def test_counts_add_up_and_averages_account_for_all_profit(
    equity: Equity, trade_profits: list[Decimal]
) -> None:
    metrics = measured(equity, trade_profits)
    counts = (metrics.winning_trades, metrics.losing_trades, metrics.breakeven_trades)
    assert None not in counts
    wins, losses, breakeven = (count or 0 for count in counts)
    assert wins + losses + breakeven == metrics.total_trades == len(trade_profits)
    assert metrics.returns_count == len(equity.values)
    if trade_profits:
        assert metrics.win_rate == wins / len(trade_profits)
        total = wins * (metrics.avg_win or ZERO) + losses * (metrics.avg_loss or ZERO)
        assert abs(total - sum(trade_profits, ZERO)) < Decimal("1e-15")
        assert abs((metrics.expectancy or ZERO) * len(trade_profits) - total) < Decimal("1e-15")


@given(equities())
def test_drawdown_is_the_worst_of_all_ways_to_buy_and_sell(equity: Equity) -> None:
    levels = [equity.starting_capital, *(level for _, level in equity.values)]
    worst = min(
        Fraction(level) / Fraction(peak) - 1
        for day, level in enumerate(levels)
        for peak in levels[: day + 1]
    )
    metrics = measured(equity, [])
    assert metrics.max_drawdown == float(worst)
    assert -1 <= metrics.max_drawdown <= 0
    assert (metrics.max_drawdown_date is None) == (worst == 0)


@given(equities(least=4))
def test_moments_keep_pearsons_inequality(equity: Equity) -> None:
    metrics = measured(equity, [])
    assume(metrics.returns_skewness is not None)
    assert metrics.returns_skewness is not None
    assert metrics.returns_kurtosis is not None
    assert metrics.returns_kurtosis >= (metrics.returns_skewness**2 + 1) * (1 - 1e-12)


@given(equities(least=2))
def test_sharpe_sortino_and_volatility_agree_on_the_mean_return(equity: Equity) -> None:
    metrics = measured(equity, [])
    assume(metrics.sharpe_ratio is not None)
    assert metrics.sharpe_ratio is not None
    assert metrics.volatility is not None
    assert metrics.periods_per_year is not None
    levels = [equity.starting_capital, *(level for _, level in equity.values)]
    returns = [float(b / a - 1) for a, b in pairwise(levels)]
    yearly = math.fsum(returns) / len(returns) * metrics.periods_per_year
    assert math.isclose(metrics.sharpe_ratio * metrics.volatility, yearly, abs_tol=1e-9)
    if metrics.sortino_ratio is not None:
        assert metrics.sortino_ratio * metrics.sharpe_ratio >= 0
