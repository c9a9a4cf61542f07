"""The metrics of holding the S&P 500, against empyrical, pandas and what is known of it."""

import csv
import gzip
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pandas as pd
import pytest

import backtest_store
from backtest_store.models import Metrics
from backtest_store.statistics.metrics import Equity, measure

SP500 = Path(backtest_store.__file__).parent / "runner" / "bundled_data" / "sp500_daily.csv.gz"
ALL = (date(1999, 1, 1), date(2018, 12, 31))
PERIODS = [
    ALL,
    (date(2008, 1, 1), date(2008, 12, 31)),
    (date(2017, 1, 1), date(2017, 12, 31)),
    (date(2001, 9, 7), date(2001, 9, 24)),
]
Closes = list[tuple[date, Decimal]]


@pytest.fixture(scope="module")
def closes() -> Closes:
    """Read the bundled daily closes of the S&P 500, 1999 to 2018."""
    with gzip.open(SP500, "rt", newline="") as file:
        rows = csv.DictReader(file)
        return [(date.fromisoformat(row["date"]), Decimal(row["close"])) for row in rows]


def hold(closes: Closes, period: tuple[date, date]) -> tuple[Metrics, pd.Series]:
    """Hold the index from the first close of a period on; give its daily returns as well."""
    (_, start), *values = [close for close in closes if period[0] <= close[0] <= period[1]]
    metrics = measure(
        equity=Equity(starting_capital=start, values=values, basis="mark_to_market"),
        final_balance=None,
        trade_profits=[],
        total_fees=None,
    )
    levels = [float(start), *(float(level) for _, level in values)]
    return metrics, pd.Series([after / before - 1 for before, after in pairwise(levels)])


@pytest.mark.parametrize("period", PERIODS)
def test_holding_agrees_with_empyrical(closes: Closes, period: tuple[date, date]) -> None:
    import empyrical  # which takes a second, and each worker collects this file

    metrics, returns = hold(closes, period)
    annualization = metrics.periods_per_year
    theirs = {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": empyrical.cagr(returns, annualization=annualization),
        "volatility": empyrical.annual_volatility(returns, annualization=annualization),
        "sharpe_ratio": empyrical.sharpe_ratio(returns, annualization=annualization),
        "sortino_ratio": empyrical.sortino_ratio(returns, annualization=annualization),
        "calmar_ratio": empyrical.calmar_ratio(returns, annualization=annualization),
        "max_drawdown": empyrical.max_drawdown(returns),
    }
    if (period[1] - period[0]).days < 90:  # a yearly rate of so short a time says nothing
        assert theirs.keys() & {"cagr", "calmar_ratio"}
        assert (metrics.cagr, metrics.calmar_ratio) == (None, None)
        del theirs["cagr"], theirs["calmar_ratio"]
    assert {name: getattr(metrics, name) for name in theirs} == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("period", PERIODS)
def test_the_shape_of_returns_agrees_with_pandas(closes: Closes, period: tuple[date, date]) -> None:
    metrics, returns = hold(closes, period)
    n = len(returns)
    assert metrics.returns_count == n
    assert metrics.returns_skewness is not None
    assert metrics.returns_kurtosis is not None
    # pandas estimates the population's from a sample: G1 and G2 of Joanes and Gill (1998).
    skewness = metrics.returns_skewness * sqrt(n * (n - 1)) / (n - 2)
    excess = (n + 1) * (metrics.returns_kurtosis - 3) + 6
    assert skewness == pytest.approx(returns.skew(), rel=1e-9)
    assert excess * (n - 1) / ((n - 2) * (n - 3)) == pytest.approx(returns.kurt(), rel=1e-9)


def test_the_deepest_drawdown_is_that_of_the_financial_crisis(closes: Closes) -> None:
    metrics, _ = hold(closes, ALL)
    assert metrics.max_drawdown == pytest.approx(676.53 / 1565.15 - 1, abs=1e-6)
    assert metrics.max_drawdown_date == date(2009, 3, 9)


def test_a_year_has_as_many_returns_as_new_york_has_trading_days(closes: Closes) -> None:
    metrics, _ = hold(closes, ALL)
    assert metrics.periods_per_year == pytest.approx(251.6, abs=0.1)
