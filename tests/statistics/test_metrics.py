"""The metrics worked out by hand, and what becomes of them when there is nothing to measure."""

import itertools
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Context, Decimal, Inexact, localcontext
from math import inf, sqrt

import pytest

from backtest_store.models import Metrics
from backtest_store.statistics.metrics import Equity, measure

FRIDAY = date(2024, 3, 1)


def curve(capital: str, *levels: str | float, first: date = FRIDAY) -> Equity:
    """Put one level on each day from the first on."""
    return Equity(
        starting_capital=Decimal(capital),
        values=[(first + timedelta(n), Decimal(level)) for n, level in enumerate(levels)],
        basis="mark_to_market",
    )


def measured(equity: Equity, profits: Sequence[str] = ()) -> Metrics:
    return measure(
        equity=equity,
        final_balance=Decimal("104.10"),
        trade_profits=[Decimal(profit) for profit in profits],
        total_fees=Decimal("0.30"),
        unrealised_profit=Decimal("4.80"),
        buy_and_hold_return=Decimal("0.1"),
    )


def short(days: int) -> str:
    """Return the warning that a run is too short for a yearly rate."""
    return f"cagr, calmar_ratio: undefined, a yearly rate needs 90 days, the run has {days}"


def why(metrics: Metrics, name: str) -> str:
    """Find the reason that the warnings give for an undefined metric."""
    assert getattr(metrics, name) is None
    lines = [line.split(": undefined, ") for line in metrics.warnings or []]
    [reason] = [reason for names, reason in lines if name in names.split(", ")]
    return reason


def test_three_days_over_a_weekend_by_hand() -> None:
    days = [FRIDAY, FRIDAY + timedelta(3), FRIDAY + timedelta(4)]
    levels = [Decimal(110), Decimal(99), Decimal("108.9")]
    equity = Equity(
        starting_capital=Decimal(100),
        values=list(zip(days, levels, strict=True)),
        basis="mark_to_market",
    )
    metrics = measured(equity, ["12.5", "-4", "0", "2.5"])
    # Returns are 10 %, -10 % and 10 %: mean 1/30, variance 1/75, mean square below zero 1/300.
    per_year = 3 / (5 / 365.25)
    assert asdict(metrics) == {
        "total_return": 0.089,
        "cagr": None,
        "volatility": pytest.approx(sqrt(per_year / 75)),
        "sharpe_ratio": pytest.approx(sqrt(per_year * 75 / 900)),
        "sortino_ratio": pytest.approx(sqrt(per_year * 300 / 900)),
        "calmar_ratio": None,
        "max_drawdown": -0.1,
        "max_drawdown_date": days[1],
        "final_balance": Decimal("104.10"),
        "net_profit": Decimal("8.9"),
        "unrealised_profit": Decimal("4.80"),
        "total_fees": Decimal("0.30"),
        "total_trades": 4,
        "winning_trades": 2,
        "losing_trades": 1,
        "breakeven_trades": 1,
        "win_rate": 0.5,
        "profit_factor": 3.75,
        "expectancy": Decimal("2.75"),
        "avg_win": Decimal("7.5"),
        "avg_loss": Decimal(-4),
        "returns_count": 3,
        "periods_per_year": pytest.approx(219.15),
        "buy_and_hold_return": 0.1,
        "returns_skewness": pytest.approx(-1 / sqrt(2)),
        "returns_kurtosis": None,
        # 1/15, -2/15 and 1/15 from the mean: -4/225 over 6/225.
        "returns_autocorrelation": pytest.approx(-2 / 3),
        "period": "day",
        "period_start": FRIDAY,
        "period_returns": [0.1, None, None, -0.1, 0.1],
        "period_counts": None,
        "period_means": None,
        "period_deviations": None,
        "equity_basis": "mark_to_market",
        "engine_stats": None,
        "warnings": [short(5), "returns_kurtosis: undefined, too few daily returns (3)"],
    }


def test_kurtosis_is_not_excess() -> None:
    # Two returns up and two down, alike: the least kurtosis there is.
    metrics = measured(curve("100", "110", "99", "108.9", "98.01"))
    assert metrics.returns_kurtosis == 1.0
    assert metrics.returns_skewness == 0.0


def test_growth_sixteenfold_in_four_years_is_a_cagr_of_one() -> None:
    values = [(date(2020, 1, 1), Decimal(100)), (date(2023, 12, 31), Decimal(1600))]
    metrics = measured(Equity(starting_capital=Decimal(100), values=values, basis="balance"))
    assert metrics.cagr == 1.0
    assert metrics.total_return == 15.0
    assert metrics.periods_per_year == 0.5


def test_one_day() -> None:
    metrics = measured(curve("100", "99"), ["1", "-2"])
    assert (metrics.returns_count, metrics.periods_per_year) == (1, 365.25)
    assert (metrics.total_return, metrics.max_drawdown) == (-0.01, -0.01)
    assert metrics.max_drawdown_date == FRIDAY
    names = "volatility, sharpe_ratio, sortino_ratio, returns_skewness, returns_kurtosis"
    names += ", returns_autocorrelation"
    assert metrics.warnings == [short(1), f"{names}: undefined, too few daily returns (1)"]


def test_two_days() -> None:
    metrics = measured(curve("100", "110", "99"), ["1", "-2"])
    assert metrics.sharpe_ratio == 0.0
    assert metrics.volatility == pytest.approx(sqrt(0.02 * 365.25))
    names = "returns_skewness, returns_kurtosis, returns_autocorrelation"
    assert metrics.warnings == [short(2), f"{names}: undefined, too few daily returns (2)"]


def test_no_day() -> None:
    metrics = measured(curve("100"), ["1", "-2"])
    assert metrics.returns_count == 0
    assert why(metrics, "net_profit") == why(metrics, "cagr") == "no day with market data"
    assert len(metrics.warnings or []) == 1


def test_constant_equity() -> None:
    metrics = measured(curve("100", *["100.00"] * 90), ["1", "-2"])
    assert (metrics.total_return, metrics.cagr, metrics.volatility) == (0.0, 0.0, 0.0)
    assert metrics.max_drawdown == 0.0
    no_variance = "sharpe_ratio, returns_skewness, returns_kurtosis, returns_autocorrelation"
    assert metrics.warnings == [
        f"{no_variance}: undefined, daily returns have zero variance",
        "sortino_ratio: undefined, daily returns are all zero",
        "calmar_ratio: undefined, equity neither grew nor fell",
        "max_drawdown_date: undefined, equity never fell below an earlier peak",
    ]


@pytest.mark.parametrize("growth", [1.001, 1.5, 0.999])
def test_constant_growth_of_doubles_has_zero_variance(growth: float) -> None:
    metrics = measured(curve("100", *[100 * growth**day for day in range(1, 400)]))
    assert metrics.volatility == 0.0
    assert why(metrics, "sharpe_ratio") == "daily returns have zero variance"


def test_the_smallest_tick_of_a_large_account_is_no_rounding() -> None:
    metrics = measured(curve("1000", "1000.00000001", "1000", "1000.00000001", "1000.00000002"))
    assert metrics.sharpe_ratio == pytest.approx(sqrt(365.25) / 2, rel=1e-6)
    assert metrics.max_drawdown == pytest.approx(-1e-11)


def test_rounding_below_a_peak_is_no_drawdown() -> None:
    metrics = measured(curve("0.3", 0.3, 0.1 + 0.2, 0.3, 0.4))
    assert metrics.max_drawdown == 0.0
    assert metrics.sortino_ratio == inf
    assert why(metrics, "max_drawdown_date") == "equity never fell below an earlier peak"
    assert metrics.calmar_ratio is None


def test_without_a_loss_ratios_to_losses_have_no_limit() -> None:
    levels = [100 + day + day % 2 / 2 for day in range(1, 101)]
    metrics = measured(curve("100", *levels), ["1", "2"])
    ratios = metrics.sortino_ratio, metrics.calmar_ratio, metrics.profit_factor
    assert ratios == (inf, inf, inf)
    assert not [w for w in metrics.warnings or [] if "ratio" in w or "factor" in w]


@pytest.mark.parametrize(("days", "is_known"), [(89, False), (90, True)])
def test_a_yearly_rate_needs_90_days(days: int, *, is_known: bool) -> None:
    metrics = measured(curve("100", *[100 + day % 3 for day in range(days)]))
    assert (metrics.cagr is not None, metrics.calmar_ratio is not None) == (is_known, is_known)
    assert (short(days) in (metrics.warnings or [])) == (not is_known)


def test_years_begin_where_the_first_bar_begins() -> None:
    # Twelve monthly bars of 1 % each, the first of which closes on the 31st of January.
    closes = [date(2023, month + 1, 1) - timedelta(1) for month in range(1, 12)] + [
        date(2023, 12, 31)
    ]
    levels = [Decimal("1.01") ** month for month in range(1, 13)]
    values = list(zip(closes, levels, strict=True))
    year = Equity(
        starting_capital=Decimal(1), values=values, basis="balance", begins=date(2023, 1, 1)
    )
    metrics = measured(year)
    assert metrics.cagr == pytest.approx(1.01 ** (12 * 365.25 / 365) - 1)
    assert metrics.periods_per_year == pytest.approx(12 * 365.25 / 365)


def test_autocorrelation_of_returns_that_follow_each_other() -> None:
    levels = [Decimal(100)]
    for day in range(40):
        levels.append(levels[-1] * (Decimal("1.02") if day // 10 % 2 else Decimal("0.99")))
    returns = [float(b / a - 1) for a, b in itertools.pairwise(levels)]
    centre = sum(returns) / 40
    expected = sum((a - centre) * (b - centre) for a, b in itertools.pairwise(returns)) / sum(
        (r - centre) ** 2 for r in returns
    )
    metrics = measured(curve("100", *map(str, levels[1:])))
    assert metrics.returns_autocorrelation == pytest.approx(expected)
    assert expected > 0.8


def test_constant_loss_has_a_sortino_ratio() -> None:
    metrics = measured(curve("100", "90", "81", "72.9"))
    assert metrics.sortino_ratio == pytest.approx(-sqrt(365.25))


def test_starting_capital_is_the_first_peak_and_the_first_of_equal_troughs_counts() -> None:
    metrics = measured(curve("100", "80", "100", "80", "90"))
    assert (metrics.max_drawdown, metrics.max_drawdown_date) == (-0.2, FRIDAY)


RETURNS = (
    "volatility, sharpe_ratio, sortino_ratio, returns_count, periods_per_year, "
    "returns_skewness, returns_kurtosis, returns_autocorrelation"
)


def test_ruin_to_zero() -> None:
    metrics = measured(curve("100", "120", *["0"] * 90), ["20", "-120"])
    assert (metrics.total_return, metrics.cagr, metrics.max_drawdown) == (-1.0, -1.0, -1.0)
    assert (metrics.calmar_ratio, metrics.net_profit) == (-1.0, Decimal(-100))
    assert metrics.max_drawdown_date == date(2024, 3, 2)
    assert metrics.warnings == [f"{RETURNS}: undefined, equity was not above zero on 2024-03-02"]


def test_ruin_below_zero() -> None:
    metrics = measured(curve("100", "120", "-30", "-12"), ["20", "-120"])
    assert (metrics.total_return, metrics.max_drawdown) == (-1.12, -1.25)
    assert metrics.net_profit == -112
    assert metrics.warnings == [
        "cagr, calmar_ratio: undefined, equity ended below zero",
        f"{RETURNS}: undefined, equity was not above zero on 2024-03-02",
    ]


def test_recovery_from_debt_still_has_a_return() -> None:
    metrics = measured(curve("100", "-50", *["200"] * 90))
    assert (metrics.total_return, metrics.max_drawdown) == (1.0, -1.5)
    assert metrics.cagr == pytest.approx(2 ** (365.25 / 91) - 1)
    assert why(metrics, "sharpe_ratio") == "equity was not above zero on 2024-03-01"


@pytest.mark.parametrize("capital", ["0", "-5"])
def test_no_starting_capital(capital: str) -> None:
    metrics = measured(curve(capital, "10", "12"))
    assert metrics.net_profit == 12 - Decimal(capital)
    assert why(metrics, "total_return") == "starting capital is not above zero"
    assert why(metrics, "max_drawdown") == why(metrics, "sharpe_ratio")


@pytest.mark.parametrize("level", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_equity_that_is_not_finite(level: str) -> None:
    metrics = measured(curve("100", "101", level, "102"))
    assert why(metrics, "net_profit") == "equity on 2024-03-02 is not a finite number"
    assert why(metrics, "returns_count") == why(metrics, "total_return")
    assert why(measured(curve(level, "101")), "cagr") == "starting capital is not a finite number"


def test_a_ratio_beyond_double_precision_is_undefined() -> None:
    metrics = measured(curve("1", *["1E+200"] * 90))
    assert metrics.total_return == 1e200
    assert why(metrics, "cagr") == "too large for double precision"


def test_money_beyond_what_the_database_takes_is_undefined() -> None:
    metrics = measured(curve("1", "1E+200000"))
    assert why(metrics, "net_profit") == "equity on 2024-03-01 is not a finite number"


def test_balance_and_fees_that_are_not_known() -> None:
    metrics = measure(
        equity=curve("100", "101", "100", "102", "101"),
        final_balance=None,
        trade_profits=[Decimal(1), Decimal(-1)],
        total_fees=Decimal("Infinity"),
        unrealised_profit=Decimal(0),
        buy_and_hold_return=Decimal(0),
    )
    assert metrics.warnings == [
        short(4),
        "final_balance: undefined, not known",
        "total_fees: undefined, not a finite number",
    ]


def test_what_is_passed_through() -> None:
    metrics = measure(
        equity=curve("100", "101", "100", "102", "101"),
        final_balance=Decimal(101),
        trade_profits=[Decimal(1)],
        total_fees=Decimal(0),
        unrealised_profit=None,
        engine_stats={"Sharpe Ratio (252 days)": 0.53},
        warnings=["fees in USD were converted at the last rate"],
    )
    assert metrics.engine_stats == {"Sharpe Ratio (252 days)": 0.53}
    assert metrics.warnings == [
        "fees in USD were converted at the last rate",
        short(4),
        "unrealised_profit: undefined, not known",
        "avg_loss: undefined, no losing trades",
        "buy_and_hold_return: undefined, needs one instrument with prices",
    ]


def test_the_callers_decimal_context_has_no_say() -> None:
    equity = curve("100", "101.234567", "99.87654321", "100.5", "98")
    expected = measured(equity, ["1.23456789", "-2.3456789", "7"])
    with localcontext(Context(prec=2, traps=[Inexact])):
        assert measured(equity, ["1.23456789", "-2.3456789", "7"]) == expected


def test_only_the_standard_library_is_imported() -> None:
    code = (
        "import sys, backtest_store; before = set(sys.modules)\n"
        "import backtest_store.statistics.metrics\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["backtest_store"]
