"""How a run went, in numbers: from an equity curve and the profits of trades to `Metrics`.

Definitions are the store's own, so that a number means the same on every engine version. All
arithmetic is decimal and each ratio is rounded to a double once, at the end: money stays exact,
and the last bit does not depend on the platform's mathematical library.

What cannot be computed is undefined, with the reason; no value of the right type raises.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

from backtest_store.models import METRIC_FIELDS, Json, Metrics
from backtest_store.statistics.equity_metrics import Equity, equity_metrics
from backtest_store.statistics.metric_values import (
    ARITHMETIC,
    ZERO,
    MetricValue,
    MetricValues,
    Undefined,
    Unlimited,
    mean,
    reasons,
    settle,
    undefined,
)
from backtest_store.statistics.months import periods_of

__all__ = ["Equity", "measure"]

MONEY_DIGITS = 28
TRADE_COUNTS = ("total_trades", "winning_trades", "losing_trades", "breakeven_trades")
TRADE_AVERAGES = ("win_rate", "profit_factor", "expectancy", "avg_win", "avg_loss")


def measure(  # noqa: PLR0913 - each is named at the call
    *,
    equity: Equity,
    final_balance: Decimal | None,
    trade_profits: Sequence[Decimal],
    total_fees: Decimal | None,
    unrealised_profit: Decimal | None = None,
    buy_and_hold_return: Decimal | None = None,
    engine_stats: Json | None = None,
    warnings: Sequence[str] = (),
) -> Metrics:
    """Compute every metric of a run.

    Parameters
    ----------
    equity : Equity
        The daily equity curve.
    final_balance : Decimal or None
        Account balance at the end, in the account's base currency. None when it is not known.
    trade_profits : Sequence[Decimal]
        Profit after fees of each closed position, in the account's base currency.
    total_fees : Decimal or None
        Fees paid, in the account's base currency. None when they are not known.
    unrealised_profit : Decimal, optional
        What open positions had gained at the end, in the account's base currency.
    buy_and_hold_return : Decimal, optional
        What the one instrument of the run did from its first price to its last, a fraction.
    engine_stats : Json, optional
        The engine's own statistics, passed through.
    warnings : Sequence[str], optional
        What is already known to be wrong; comes first in the result's `warnings`.

    Returns
    -------
    Metrics
        Fractions and ratios as doubles, money as decimals. An undefined metric is None and is
        named in `warnings`, with the reason, in one line for all metrics that share it.
    """
    with localcontext(ARITHMETIC):
        values: MetricValues = {
            **equity_metrics(equity),
            **trade_metrics([+profit for profit in trade_profits]),
            "final_balance": or_undefined(final_balance),
            "total_fees": or_undefined(total_fees),
            "unrealised_profit": or_undefined(unrealised_profit),
            "buy_and_hold_return": or_undefined(
                buy_and_hold_return, "needs one instrument with prices"
            ),
        }
        settled = {name: settle(name, values[name]) for name in METRIC_FIELDS if name in values}
    known: dict[str, Any] = {
        name: value for name, value in settled.items() if not isinstance(value, Undefined)
    }
    with localcontext(ARITHMETIC):
        periods = periods_of(equity.starting_capital, equity.values)
    return Metrics(
        **known,
        **({} if periods is None else vars(periods)),
        equity_basis=equity.basis,
        engine_stats=engine_stats,
        warnings=[*warnings, *reasons(settled)],
    )


def or_undefined(value: Decimal | None, reason: str = "not known") -> MetricValue:
    """Take a figure, or the reason why there is none."""
    return Undefined(reason) if value is None else +value


def trade_metrics(profits: Sequence[Decimal]) -> MetricValues:
    """Compute what depends on closed trades; a profit of zero is neither a win nor a loss."""
    if not all(profit.is_finite() for profit in profits):
        fault = "the profit of a trade is not a finite number"
        return undefined([*TRADE_COUNTS, *TRADE_AVERAGES], fault)
    wins = [profit for profit in profits if profit > 0]
    losses = [profit for profit in profits if profit < 0]
    breakeven = len(profits) - len(wins) - len(losses)
    counts = (len(profits), len(wins), len(losses), breakeven)
    values: MetricValues = dict(zip(TRADE_COUNTS, counts, strict=True))
    if not profits:
        return values | undefined(TRADE_AVERAGES, "no closed trades")
    return values | trade_averages(profits, wins, losses)


def trade_averages(
    profits: Sequence[Decimal], wins: Sequence[Decimal], losses: Sequence[Decimal]
) -> MetricValues:
    """Compute what the average of one or more trades was like.

    Notes
    -----
    `win_rate` is winners / all trades, a fraction. `profit_factor` is gross profit / abs(gross
    loss) [1]_. `expectancy`, `avg_win` and `avg_loss` (< 0) are the mean profits of all trades,
    the winners and the losers, in the account's base currency, to 28 significant digits.

    References
    ----------
    .. [1] P. J. Kaufman, Trading Systems and Methods, 5th ed., Wiley, 2013, ch. 21.
    """
    no_losers = Undefined("no losing trades")
    best = Unlimited() if wins else Undefined("neither winning nor losing trades")
    return {
        "win_rate": Decimal(len(wins)) / len(profits),
        "profit_factor": sum(wins, ZERO) / abs(sum(losses, ZERO)) if losses else best,
        "expectancy": mean_money(profits),
        "avg_win": mean_money(wins) if wins else Undefined("no winning trades"),
        "avg_loss": mean_money(losses) if losses else no_losers,
    }


def mean_money(amounts: Sequence[Decimal]) -> Decimal:
    """Average amounts of money, to the digits that decimals are commonly computed with."""
    average = mean(amounts)
    with localcontext(prec=MONEY_DIGITS):
        return +average
