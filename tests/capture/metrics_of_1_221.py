"""One run's metrics, as they were computed on 1.221: every engine has to agree."""

from datetime import date
from decimal import Decimal
from itertools import cycle

SIZES = ("60000", "-60000", "40000", "-90000", "50000")  # bought, sold, turned around, covered
ORDERS = dict(zip(range(10, 9_900, 173), cycle(SIZES), strict=False))
ENGINES_OWN = {"engine_stats"}
EXPECTED: dict[str, object] = {
    "total_return": -0.0327365,
    "cagr": None,
    "volatility": 0.10967775388764248,
    "sharpe_ratio": -13.778490480539274,
    "sortino_ratio": -11.895512701594269,
    "calmar_ratio": None,
    "max_drawdown": -0.03437362295963423,
    "max_drawdown_date": date(2024, 1, 7),
    "final_balance": Decimal("96726.35"),
    "net_profit": Decimal("-3273.65"),
    "unrealised_profit": Decimal(0),
    "total_fees": Decimal("49.85"),
    "total_trades": 35,
    "winning_trades": 12,
    "losing_trades": 23,
    "breakeven_trades": 0,
    "win_rate": 0.34285714285714286,
    "profit_factor": 0.36568602945593137,
    "expectancy": Decimal("-93.53285714285714285714285714"),
    "avg_win": Decimal("157.2733333333333333333333333"),
    "avg_loss": Decimal("-224.3882608695652173913043478"),
    "returns_count": 8,
    "periods_per_year": 365.25,
    "buy_and_hold_return": 0.03127588472194453,
    "returns_skewness": -0.11198936185694346,
    "returns_kurtosis": 1.5701070801923946,
    "returns_autocorrelation": -0.17314336565369617,
    "period": "day",
    "period_start": date(2023, 12, 31),
    "period_returns": [
        0.0,
        0.0016954,
        -0.0090353815,
        0.0033352317,
        -0.002762674,
        -0.012191656,
        -0.0042767515,
        -0.009863556,
    ],
    "period_counts": None,
    "period_means": None,
    "period_deviations": None,
    "equity_basis": "mark_to_market",
    "warnings": ["cagr, calmar_ratio: undefined, a yearly rate needs 90 days, the run has 8"],
}


def waves(count: int) -> list[float]:
    """Prices that go up and down, the same in every process."""
    prices, price, state = [], 0.7, 12345
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        price *= 1 + (state / 2**31 - 0.5) * 0.002
        prices.append(round(price, 5))
    return prices
