"""How a run went: from what its engine and its sampler hold to the metrics of its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, localcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from backtest_store.capture.accounting.daily_equity import EquityCurve, equity_curve
from backtest_store.capture.accounting.equity_sampler import Samples
from backtest_store.capture.accounting.fees_and_profits import Ledger, differences, ledger_of
from backtest_store.capture.accounting.positions import count_closed
from backtest_store.capture.accounting.valuation import EXACT, InOneCurrency, Valuation
from backtest_store.capture.error_boundary import attempt
from backtest_store.capture.identity.json_values import clean, plain
from backtest_store.models import Json, JsonValue, Metrics, Record
from backtest_store.statistics.equity_metrics import Equity
from backtest_store.statistics.metrics import measure

if TYPE_CHECKING:
    from nautilus_trader.analysis.analyzer import PortfolioAnalyzer
    from nautilus_trader.backtest.engine import BacktestEngine


UNKNOWN = Decimal("NaN")
REFUSALS = ("DENIED", "REJECTED")
REFUSED = "orders were refused:"
NO_SAMPLES = Samples()
NO_EQUITY = EquityCurve(
    Equity(starting_capital=UNKNOWN, values=[], basis="balance"), ["equity could not be captured"]
)


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a run came to, as far as it could be read; what could not is None."""

    valuation: InOneCurrency
    curve: EquityCurve | None = None
    ledger: Ledger | None = None
    unrealised: Decimal | None = None
    final_balance: Decimal | None = None
    opening_price: Decimal | None
    closing_price: Decimal | None
    engine_stats: Json


def with_metrics(
    engine: BacktestEngine, record: Record, samples: Samples | None, warnings: Sequence[str]
) -> Record:
    """Add to the record of a run that has ended how it went; a part that fails is not known."""
    valuation, seen = Valuation(engine), samples or NO_SAMPLES
    results = Results(
        valuation=valuation,
        curve=attempt("measure equity", partial(equity_curve, engine, valuation, samples), None),
        ledger=attempt("read the trades", partial(_ledger, engine, valuation, samples), None),
        unrealised=attempt("value open positions", valuation.unrealised, None),
        final_balance=attempt("read the balances", valuation.final_balance, None),
        opening_price=seen.opening_price,
        closing_price=seen.closing_price,
        engine_stats=attempt("read statistics", partial(engine_statistics, engine), {}),
    )
    return measured(record, results, [*warnings, *refused_orders(engine.cache)])


def refused_orders(cache: Any) -> list[str]:
    """Say how many orders were refused, and why the first was: no trade tells of them."""
    orders: list[Any] = attempt("read the orders", cache.orders, [])
    reasons = [str(o.last_event.reason) for o in orders if o.status.name in REFUSALS]
    if not reasons:
        return []
    return [f"{len(reasons)} of {len(orders)} {REFUSED} {clean(reasons[0])}"]


def measured(record: Record, results: Results, warnings: Sequence[str]) -> Record:
    """Add metrics to a record, and what is doubtful about them."""
    ledger, curve = results.ledger, results.curve or NO_EQUITY
    metrics = measure(
        equity=curve.equity,
        final_balance=results.final_balance,
        trade_profits=[UNKNOWN] if ledger is None else [trade.profit for trade in ledger.trades],
        total_fees=_fees(ledger, results.valuation),
        unrealised_profit=results.unrealised,
        buy_and_hold_return=_buy_and_hold(results),
        engine_stats=results.engine_stats,
        warnings=[*warnings, *curve.warnings, *_doubts(curve, results)],
    )
    return _merged(record, _counted(metrics, ledger), curve, results.valuation.currency)


def _ledger(engine: BacktestEngine, valuation: Valuation, samples: Samples | None) -> Ledger:
    """Return the ledger that was kept during the run, or one of what the cache still has."""
    kept = None if samples is None else samples.ledger
    if kept is not None and len(kept.trades) >= count_closed(engine.cache):
        return kept
    return ledger_of(engine, valuation)


def _fees(ledger: Ledger | None, valuation: InOneCurrency) -> Decimal | None:
    is_known = ledger is not None and valuation.currency is not None and ledger.fees.is_finite()
    return ledger.fees if ledger is not None and is_known else None


def _doubts(curve: EquityCurve, results: Results) -> list[str]:
    ledger, valuation = results.ledger, results.valuation
    if ledger is None:
        return ["trades could not be captured"]
    unknown = [
        f"profit_factor, expectancy, avg_win, avg_loss: undefined, no exchange rate from {code} "
        f"to {valuation.currency}"
        for code in ledger.unconverted
    ]
    return [*unknown, *differences(curve.equity, ledger, results.unrealised, valuation)]


def _buy_and_hold(results: Results) -> Decimal | None:
    """Return what the only instrument did from its first price to its last."""
    if not results.opening_price or results.closing_price is None:
        return None
    with localcontext(EXACT):
        return results.closing_price / results.opening_price - 1


def _counted(metrics: Metrics, ledger: Ledger | None) -> Metrics:
    """Count the trades by what they earned in their own currency, if none converts it."""
    if ledger is None or all(trade.profit.is_finite() for trade in ledger.trades):
        return metrics
    signs = [trade.sign for trade in ledger.trades]
    won, lost = signs.count(1), signs.count(-1)
    return replace(
        metrics,
        total_trades=len(signs),
        winning_trades=won,
        losing_trades=lost,
        breakeven_trades=len(signs) - won - lost,
        win_rate=won / len(signs),
        warnings=[w for w in metrics.warnings or () if not w.startswith("total_trades, ")],
    )


def _merged(record: Record, metrics: Metrics, curve: EquityCurve, currency: str | None) -> Record:
    capital = curve.equity.starting_capital
    found = {field.name: getattr(metrics, field.name) for field in fields(metrics)}
    if record.initial_capital is None and capital.is_finite():
        found["initial_capital"] = capital
    if record.currency is None:
        found["currency"] = currency
    return replace(record, **found)


def engine_statistics(engine: BacktestEngine) -> Json:
    """Return what the engine's analyzer computed, under the names that it gives them."""
    analyzer = engine.portfolio.analyzer
    return {
        "pnls": _each_currency(analyzer),
        "returns": _read(analyzer.get_performance_stats_returns),
        "general": _read(analyzer.get_performance_stats_general),
    }


def _each_currency(analyzer: PortfolioAnalyzer) -> dict[str, JsonValue]:
    return {
        str(currency.code): _read(analyzer.get_performance_stats_pnls, currency)
        for currency in analyzer.currencies
    }


def _read(statistics: Callable[..., object], *arguments: object) -> JsonValue:
    """Return statistics, or none: the analyzer fails on some runs without a trade."""
    try:
        return plain(statistics(*arguments))
    except Exception:  # noqa: BLE001 - whatever it raises, the run is worth saving
        return {}
