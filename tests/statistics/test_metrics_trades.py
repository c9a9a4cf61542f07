"""The metrics of closed trades, worked out by hand."""

from datetime import date
from decimal import Decimal
from math import inf

from backtest_store.models import Metrics
from backtest_store.statistics.metrics import Equity, measure

LEVELS = [Decimal(level) for level in ("101", "100", "102", "101")]
EQUITY = Equity(
    starting_capital=Decimal(100),
    values=[(date(2024, 3, day), level) for day, level in enumerate(LEVELS, start=1)],
    basis="balance",
    begins=date(2023, 12, 1),  # long enough ago for a yearly rate
)


def trades(*profits: str) -> Metrics:
    """Measure trades, on a curve that leaves nothing undefined."""
    return measure(
        equity=EQUITY,
        final_balance=Decimal(101),
        trade_profits=[Decimal(profit) for profit in profits],
        total_fees=Decimal(0),
        unrealised_profit=Decimal(0),
        buy_and_hold_return=Decimal(0),
    )


def counts(metrics: Metrics) -> tuple[int | None, ...]:
    """Count all trades, winners, losers and those that broke even."""
    won, lost = metrics.winning_trades, metrics.losing_trades
    return metrics.total_trades, won, lost, metrics.breakeven_trades


def test_winners_and_losers() -> None:
    metrics = trades("12.5", "-4", "0", "2.5")
    assert counts(metrics) == (4, 2, 1, 1)
    assert (metrics.win_rate, metrics.profit_factor) == (0.5, 3.75)
    assert (metrics.avg_win, metrics.avg_loss) == (Decimal("7.5"), Decimal(-4))
    assert metrics.expectancy == Decimal("2.75")
    assert metrics.warnings == []


def test_no_closed_trades() -> None:
    metrics = trades()
    assert counts(metrics) == (0, 0, 0, 0)
    names = "win_rate, profit_factor, expectancy, avg_win, avg_loss"
    assert metrics.warnings == [f"{names}: undefined, no closed trades"]


def test_never_a_loser() -> None:
    metrics = trades("3", "1")
    assert metrics.warnings == ["avg_loss: undefined, no losing trades"]
    assert metrics.profit_factor == inf
    assert metrics.win_rate == 1.0
    assert (metrics.expectancy, metrics.avg_win) == (Decimal(2), Decimal(2))


def test_never_a_winner() -> None:
    metrics = trades("-3", "-1")
    assert metrics.warnings == ["avg_win: undefined, no winning trades"]
    assert (metrics.win_rate, metrics.profit_factor) == (0.0, 0.0)
    assert metrics.avg_loss == Decimal(-2)


def test_all_break_even() -> None:
    metrics = trades("0", "-0.00", "0")
    assert counts(metrics) == (3, 0, 0, 3)
    assert (metrics.win_rate, metrics.expectancy) == (0.0, Decimal(0))
    assert metrics.warnings == [
        "profit_factor: undefined, neither winning nor losing trades",
        "avg_win: undefined, no winning trades",
        "avg_loss: undefined, no losing trades",
    ]


def test_money_is_exact() -> None:
    metrics = trades("0.1", "0.2", "-0.3")
    assert (metrics.avg_win, metrics.expectancy) == (Decimal("0.15"), Decimal(0))


def test_a_mean_has_28_significant_digits() -> None:
    assert trades("10", "0", "0").expectancy == Decimal("3." + "3" * 27)


def test_a_profit_that_is_not_finite_leaves_no_trade_metric() -> None:
    metrics = trades("1", "NaN")
    assert counts(metrics) == (None, None, None, None)
    [line] = metrics.warnings or []
    assert line.endswith("avg_loss: undefined, the profit of a trade is not a finite number")
