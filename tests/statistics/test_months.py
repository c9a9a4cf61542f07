"""Months against the daily returns that they were made of, by way of the database's precision."""

import random
import statistics
import struct
from datetime import date, timedelta
from decimal import Decimal
from math import isclose, prod, sqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backtest_store.models import Metrics
from backtest_store.statistics.metrics import Equity, measure
from backtest_store.statistics.months import metrics_of_months, months_of, periods_of, single

Days = list[tuple[date, float]]


@st.composite
def days(draw: st.DrawFn) -> Days:
    """Draw daily returns over up to six years, with weekends and holes of months."""
    day = draw(st.dates(date(1990, 1, 1), date(2020, 1, 1)))
    found: Days = []
    for length, hole in draw(
        st.lists(
            st.tuples(st.integers(1, 300), st.sampled_from([0, 2, 45, 100])), min_size=1, max_size=7
        )
    ):
        seed = random.Random(draw(st.integers(0, 2**32)))
        for _ in range(length):
            if day.weekday() < 5:
                found.append((day, seed.gauss(0.0004, 0.012)))
            day += timedelta(1)
        day += timedelta(hole)
    return found or [(day, 0.01)]


def measured(found: Days) -> Metrics:
    level, values = Decimal(100_000), []
    for day, r in found:
        level *= Decimal(1 + r)
        values.append((day, level))
    equity = Equity(starting_capital=Decimal(100_000), values=values, basis="mark_to_market")
    return measure(equity=equity, final_balance=None, trade_profits=[], total_fees=None)


@given(days())
def test_all_months_together_are_the_run(found: Days) -> None:
    metrics = measured(found)
    span = metrics_of_months(months_of(metrics), metrics.periods_per_year or 0)
    assert span.returns_count == metrics.returns_count
    assert metrics.total_return is not None
    assert isclose(1 + span.total_return, 1 + metrics.total_return, rel_tol=1e-6)
    for name in ("sharpe_ratio", "volatility"):
        whole = getattr(metrics, name)
        if whole is not None:
            assert getattr(span, name) == pytest.approx(whole, rel=1e-6, abs=1e-6)


@given(days(), st.data())
def test_any_span_of_months_is_its_daily_returns(found: Days, data: st.DataObject) -> None:
    metrics = measured(found)
    months = months_of(metrics)
    first = data.draw(st.integers(0, len(months) - 1))
    last = data.draw(st.integers(first, len(months) - 1))
    chosen = months[first : last + 1]
    end = (chosen[-1].first + timedelta(32)).replace(day=1)
    returns = [r for day, r in found if chosen[0].first <= day < end]
    span = metrics_of_months(chosen, 252.0)
    assert span.returns_count == len(returns)
    assert span.total_return == pytest.approx(prod(1 + r for r in returns) - 1, abs=1e-6)
    if len(returns) > 1:
        volatility = statistics.stdev(returns) * sqrt(252)
        assert span.volatility == pytest.approx(volatility, rel=1e-6, abs=1e-6)
        sharpe = statistics.mean(returns) / statistics.stdev(returns) * sqrt(252)
        assert span.sharpe_ratio == pytest.approx(sharpe, rel=1e-5, abs=1e-5)


def test_months_without_market_data_have_a_place_and_no_return() -> None:
    found = [(date(2020, 1, 15) + timedelta(n), 0.01) for n in range(10)]
    found += [(date(2021, 3, 1), 0.02), (date(2021, 3, 2), -0.02)]
    metrics = measured(found)
    assert (metrics.period, metrics.period_start) == ("month", date(2020, 1, 1))
    assert metrics.period_counts == [10, *[0] * 13, 2]
    returns = metrics.period_returns or []
    assert returns[0] == single(1.01**10 - 1)
    assert returns[1:14] == [None] * 13
    assert returns[14] == pytest.approx(-0.0004)
    assert [m.first for m in months_of(metrics)][::7] == [
        date(2020, 1, 1),
        date(2020, 8, 1),
        date(2021, 3, 1),
    ]


def test_a_run_of_fewer_than_13_months_keeps_its_days() -> None:
    twelve = measured([(date(2020, 1, 31), 0.01), (date(2020, 12, 1), 0.02)])
    assert (twelve.period, len(twelve.period_returns or [])) == ("day", 306)
    assert twelve.period_counts is None
    thirteen = measured([(date(2020, 1, 31), 0.01), (date(2021, 1, 1), 0.02)])
    assert (thirteen.period, len(thirteen.period_returns or [])) == ("month", 13)


def test_a_run_that_was_ruined_has_no_months() -> None:
    values = [(date(2020, 1, 1), Decimal(50)), (date(2020, 1, 2), Decimal(0))]
    assert periods_of(Decimal(100), values) is None
    assert periods_of(Decimal(100), []) is None
    assert months_of(Metrics()) == []


def test_the_deepest_fall_of_a_span_is_that_of_its_months() -> None:
    ends = [(date(2020, month, 28), r) for month, r in enumerate([0.1, -0.2, 0.1, -0.1, 0.5], 1)]
    span = metrics_of_months(months_of(measured(ends)), 12)
    assert span.max_drawdown == pytest.approx(0.8 * 1.1 * 0.9 - 1, abs=1e-6)


@given(st.floats(-1e6, 1e6, allow_subnormal=False))
@example(16384.067454935168)
def test_single_precision_is_what_the_database_gives_back(number: float) -> None:
    rounded = single(number)
    assert struct.pack("f", rounded) == struct.pack("f", number)
    assert single(rounded) == rounded
