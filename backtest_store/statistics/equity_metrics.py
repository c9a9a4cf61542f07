"""The metrics that depend on the daily equity curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import accumulate, pairwise

from backtest_store.models import EquityBasis
from backtest_store.statistics.metric_values import (
    ZERO,
    MetricValue,
    MetricValues,
    Undefined,
    Unlimited,
    mean,
    undefined,
)

DAYS_PER_YEAR = Decimal("365.25")

# Relative to equity. Levels that were doubles carry an error of 1e-16 of themselves: a movement
# this small is rounding, and dividing by it would make a Sharpe ratio of 1e16 out of a flat line.
NOISE = Decimal("1e-14")
NO_VARIANCE = Undefined("daily returns have zero variance")

RISK_METRICS = ("volatility", "sharpe_ratio", "sortino_ratio")
SHAPE_METRICS = ("returns_skewness", "returns_kurtosis")
AUTOCORRELATION = "returns_autocorrelation"
LEAST_DAYS = 90  # a rate for a year, worked out from three good days, says 2,480 %
RETURN_METRICS = (
    "returns_count",
    "periods_per_year",
    *RISK_METRICS,
    *SHAPE_METRICS,
    AUTOCORRELATION,
)
GROWTH_METRICS = ("total_return", "cagr", "calmar_ratio", "max_drawdown", "max_drawdown_date")
EQUITY_METRICS = ("net_profit", *GROWTH_METRICS, *RETURN_METRICS)


@dataclass(frozen=True, kw_only=True)
class Equity:
    """The daily equity curve of a run.

    Parameters
    ----------
    starting_capital : Decimal
        E(0), in the account's base currency.
    values : Sequence[tuple[date, Decimal]]
        E(t) at the end of each UTC day with market data, days ascending and unique, in the
        account's base currency.
    basis : {'mark_to_market', 'balance'}
        Whether `values` include unrealised profit, or are account balances.
    begins : date, optional
        The UTC day in which the first bar begins, which is long before it closes if it is a
        month's; None if it is the first day of `values`.
    """

    starting_capital: Decimal
    values: Sequence[tuple[date, Decimal]]
    basis: EquityBasis
    begins: date | None = None


@dataclass(frozen=True)
class Curve:
    """Finite levels of equity over at least one day; `levels[0]` is E(0), before the first."""

    days: Sequence[date]
    levels: Sequence[Decimal]
    begins: date

    @property
    def length(self) -> int:
        """Count the days covered, both the first and the last included."""
        return (self.days[-1] - min(self.begins, self.days[0])).days + 1

    @property
    def years(self) -> Decimal:
        """Count the years covered."""
        return Decimal(self.length) / DAYS_PER_YEAR


class Returns(list[Decimal]):
    """Daily returns, fractions, one or more; what several metrics are made of is computed once."""

    @cached_property
    def apart(self) -> list[Decimal]:
        """Their differences from the mean."""
        centre = mean(self)
        return [value - centre for value in self]

    @cached_property
    def variance(self) -> Decimal:
        """The average of the squares of these, dividing by n."""
        return mean([value**2 for value in self.apart])

    @cached_property
    def deviation(self) -> Decimal:
        """The deviation behind a sample of two or more; zero if it is only rounding."""
        sample = (self.variance * len(self) / (len(self) - 1)).sqrt()
        return ZERO if sample <= NOISE * (1 + max(self)) else sample


def equity_metrics(equity: Equity) -> MetricValues:
    """Compute what depends on the equity curve, or say what is wrong with the curve.

    `net_profit` is E_end - E(0), in the account's base currency, so that `total_return` is
    `net_profit` / E(0) and both count what open positions are worth.
    """
    if not equity.values:
        return undefined(EQUITY_METRICS, "no day with market data") | {"returns_count": 0}
    days = [day for day, _ in equity.values]
    levels = [+equity.starting_capital, *(+level for _, level in equity.values)]
    if not levels[0].is_finite():
        return undefined(EQUITY_METRICS, "starting capital is not a finite number")
    for day, level in zip(days, levels[1:], strict=True):
        if not level.is_finite():
            return undefined(EQUITY_METRICS, f"equity on {day.isoformat()} is not a finite number")
    net_profit: MetricValues = {"net_profit": levels[-1] - levels[0]}
    if levels[0] <= 0:
        return undefined(EQUITY_METRICS, "starting capital is not above zero") | net_profit
    curve = Curve(days, levels, equity.begins or days[0])
    return net_profit | growth_metrics(curve) | return_metrics(curve)


def growth_metrics(curve: Curve) -> MetricValues:
    """Compute the metrics that need no daily returns, which therefore outlive ruin.

    Notes
    -----
    `total_return` is a fraction, E_end / E(0) - 1. `calmar_ratio` is `cagr` /
    abs(`max_drawdown`) [1]_, both over the whole run rather than the last 36 months.

    References
    ----------
    .. [1] T. W. Young, "Calmar Ratio: A Smoother Tool", Futures 20(1), 1991, p. 40.
    """
    growth = cagr(curve)
    depth, trough = max_drawdown(curve)
    return {
        "total_return": curve.levels[-1] / curve.levels[0] - 1,
        "cagr": growth,
        "calmar_ratio": calmar_ratio(growth, depth),
        "max_drawdown": depth,
        "max_drawdown_date": trough or Undefined("equity never fell below an earlier peak"),
    }


def calmar_ratio(growth: Decimal | Undefined, depth: Decimal) -> MetricValue:
    """Divide the growth rate by the deepest fall; growth without a fall has no limit."""
    if isinstance(growth, Undefined):
        return growth
    if depth:
        return growth / abs(depth)
    return Unlimited() if growth > NOISE else Undefined("equity neither grew nor fell")


def cagr(curve: Curve) -> Decimal | Undefined:
    """Compute the compound annual growth rate, a fraction: (E_end / E(0)) ** (1 / years) - 1.

    Years are days / 365.25, counting the first day and the last, and at least 90 days. An account
    that ends at zero has lost everything, -1, however long it took; one that ends below has no
    such rate.
    """
    if curve.levels[-1] < 0:
        return Undefined("equity ended below zero")
    if curve.length < LEAST_DAYS:
        return Undefined(f"a yearly rate needs {LEAST_DAYS} days, the run has {curve.length}")
    growth: Decimal = (curve.levels[-1] / curve.levels[0]) ** (1 / curve.years)
    return growth - 1


def max_drawdown(curve: Curve) -> tuple[Decimal, date | None]:
    """Find the deepest fall below an earlier peak, a fraction <= 0, and the day of its trough.

    Notes
    -----
    It is min(E / cummax(E) - 1) [1]_, where E(0) is the first peak, and the first trough of
    several that are as deep. Debt takes it under -1.

    References
    ----------
    .. [1] M. Magdon-Ismail and A. F. Atiya, "Maximum Drawdown", Risk 17(10), 2004, pp. 99-102.
    """
    peaks = accumulate(curve.levels, max)
    falls = [level / peak - 1 for level, peak in zip(curve.levels, peaks, strict=True)]
    depth = min(falls)
    return (depth, curve.days[falls.index(depth) - 1]) if depth < -NOISE else (ZERO, None)


def return_metrics(curve: Curve) -> MetricValues:
    """Compute the metrics of daily returns, r = E(t) / E(t-1) - 1, a fraction.

    The first day's return is over E(0), so there are as many returns as days, and
    `periods_per_year` is that number / years. A return over nothing, or over debt, means
    nothing: if equity was ever at zero or below, all of these are undefined.
    """
    for day, level in zip(curve.days, curve.levels[1:], strict=True):
        if level <= 0:
            return undefined(RETURN_METRICS, f"equity was not above zero on {day.isoformat()}")
    returns = Returns([after / before - 1 for before, after in pairwise(curve.levels)])
    periods_per_year = len(returns) / curve.years
    return {
        "returns_count": len(returns),
        "periods_per_year": periods_per_year,
        **risk_metrics(returns, periods_per_year),
        **shape_metrics(returns),
        AUTOCORRELATION: autocorrelation(returns),
    }


def risk_metrics(returns: Returns, periods_per_year: Decimal) -> MetricValues:
    """Compute volatility and the return for each unit of it, annualised, risk-free rate 0.

    Notes
    -----
    `volatility` is stdev(r) * sqrt(periods_per_year), a fraction, of the sample (ddof 1).
    `sharpe_ratio` is mean(r) / stdev(r) * sqrt(periods_per_year) [1]_. `sortino_ratio` is
    mean(r) * sqrt(periods_per_year) / sqrt(mean(min(r, 0) ** 2)), over all returns [2]_.

    References
    ----------
    .. [1] W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21(1), 1994,
       pp. 49-58.
    .. [2] F. A. Sortino and L. N. Price, "Performance Measurement in a Downside Risk
       Framework", Journal of Investing 3(3), 1994, pp. 59-64.
    """
    if len(returns) <= 1:
        return dict.fromkeys(RISK_METRICS, too_few(returns))
    deviation, downside = returns.deviation, downside_deviation(returns)
    annual = periods_per_year.sqrt()
    reward = mean(returns) * annual
    no_losses = Unlimited() if reward > NOISE else Undefined("daily returns are all zero")
    return {
        "volatility": deviation * annual,
        "sharpe_ratio": reward / deviation if deviation else NO_VARIANCE,
        "sortino_ratio": reward / downside if downside else no_losses,
    }


def autocorrelation(returns: Returns) -> MetricValue:
    """Compute the correlation of each daily return with the one before it, from -1 to 1.

    Notes
    -----
    It is sum((r(t) - m) * (r(t-1) - m)) / sum((r(t) - m) ** 2) with the mean m of all returns [1]_.

    References
    ----------
    .. [1] G. E. P. Box and G. M. Jenkins, "Time Series Analysis", Holden-Day, 1970, ch. 2.
    """
    if len(returns) < 3:  # noqa: PLR2004 - of two, it is -0.5 whatever they are
        return too_few(returns)
    if not returns.deviation:
        return NO_VARIANCE
    products = [after * before for before, after in pairwise(returns.apart)]
    return sum(products, ZERO) / sum((value**2 for value in returns.apart), ZERO)


def shape_metrics(returns: Returns) -> MetricValues:
    """Compute skewness and kurtosis from the moments m of the population, dividing by n.

    Notes
    -----
    `returns_skewness` is m3 / m2 ** 1.5, 0 for a normal distribution; `returns_kurtosis` is
    m4 / m2 ** 2, 3 for a normal distribution: g1 and g2 + 3 of [1]_. Any two returns have a
    skewness of 0 and any three a kurtosis of 1.5, so one more than that is asked for.

    References
    ----------
    .. [1] D. N. Joanes and C. A. Gill, "Comparing measures of sample skewness and kurtosis",
       The Statistician 47(1), 1998, pp. 183-189.
    """
    return {
        name: standardised_moment(returns, order)
        for order, name in enumerate(SHAPE_METRICS, start=3)
    }


def standardised_moment(returns: Returns, order: int) -> MetricValue:
    """Compute m(order) / m2 ** (order / 2), which says something from `order` returns on."""
    if len(returns) < order:
        return too_few(returns)
    if not returns.deviation:
        return NO_VARIANCE
    return mean([value**order for value in returns.apart]) / returns.variance.sqrt() ** order


def downside_deviation(returns: Returns) -> Decimal:
    """Compute the root mean square of the returns below zero; zero if it is only rounding."""
    downside = mean([min(value, ZERO) ** 2 for value in returns]).sqrt()
    return ZERO if downside <= NOISE else downside


def too_few(returns: Returns) -> Undefined:
    """Say that there are not enough returns, and how many there are."""
    return Undefined(f"too few daily returns ({len(returns)})")
