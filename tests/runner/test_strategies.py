"""The bundled strategies in the real engine, against the same ones in plain Python."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order

from backtest_store.errors import UsageError
from backtest_store.runner.bundled_data import BUNDLED_DATA
from backtest_store.runner.config.loading import parse_config
from backtest_store.runner.config.timestamps import parse_timestamp
from backtest_store.runner.strategies.momentum import MomentumConfig
from backtest_store.runner.strategies.rsi_mean_reversion import RsiMeanReversionConfig
from backtest_store.runner.strategies.sma_crossover import SmaCrossoverConfig
from tests.number_of_tries import tries
from tests.runner.conftest import Preparing, prepare
from tests.runner.oracle import (
    Fill,
    Outcome,
    Target,
    momentum,
    read_prices,
    rsi,
    rsi_mean_reversion,
    simulate,
    sma_crossover,
)

DATES, CLOSES = read_prices(BUNDLED_DATA["sp500_daily"].path)
BARS = 250
engine_runs = settings(
    deadline=None, max_examples=tries(9, 15), suppress_health_check=[HealthCheck.filter_too_much]
)
starts = st.integers(0, len(CLOSES) - BARS)
fractions = st.sampled_from(["0.1", "0.5", "0.95", "1"])


def submission(order: Order) -> int:
    """Return the count at the end of an order's id."""
    return int(order.client_order_id.value.rpartition("-")[2])


def outcome(engine: BacktestEngine, dates: list[str]) -> Outcome:
    """Return what the engine's own records say happened."""
    a_day = parse_timestamp("1970-01-02")
    bar_of = {parse_timestamp(day) + a_day: bar for bar, day in enumerate(dates)}
    fills: list[Fill] = []
    for order in sorted(engine.cache.orders(), key=submission):
        side = 1 if order.side == OrderSide.BUY else -1
        price = Decimal(str(order.avg_px))
        fills.append((bar_of[order.ts_last], side, int(order.filled_qty), price))
        assert order.quantity == order.filled_qty
        assert order.ts_init == order.ts_last
    account = engine.cache.accounts()[0]
    held = sum(int(position.signed_qty) for position in engine.cache.positions_open())
    return Outcome(fills, account.balance_total().as_decimal(), held)


def by_engine(strategy: str, start: int, parameters: dict[str, Any]) -> Outcome:
    """Run a strategy on some of the S&P 500's bars."""
    dates = DATES[start : start + BARS]
    data = {"source": "sp500_daily", "start": dates[0], "end": dates[-1]}
    content = {"strategy": strategy, "parameters": parameters, "data": data}
    engine = prepare(parse_config(content, origin="test")).engine
    engine.run()
    found = outcome(engine, dates)
    engine.dispose()
    return found


@engine_runs
@given(starts, st.integers(1, 30), st.integers(1, 60), fractions, st.booleans())
def test_sma_crossover_trades_at_the_crosses(
    start: int,
    fast: int,
    more: int,
    fraction: str,
    short: bool,
) -> None:
    closes = CLOSES[start : start + BARS]
    target = sma_crossover(closes, fast, fast + more, short=short)
    parameters = {
        "fast_period": fast,
        "slow_period": fast + more,
        "equity_fraction": fraction,
        "allow_short": short,
    }
    found = by_engine("sma_crossover", start, parameters)
    assert found == simulate(closes, target, Decimal(fraction))


@engine_runs
@given(starts, st.integers(1, 120), st.sampled_from([0.0, 0.01, 0.1]), fractions, st.booleans())
def test_momentum_holds_what_has_risen(
    start: int,
    lookback: int,
    threshold: float,
    fraction: str,
    short: bool,
) -> None:
    closes = CLOSES[start : start + BARS]
    target = momentum(closes, lookback, threshold, short=short)
    parameters = {
        "lookback": lookback,
        "threshold": threshold,
        "equity_fraction": fraction,
        "allow_short": short,
    }
    found = by_engine("momentum", start, parameters)
    assert found == simulate(closes, target, Decimal(fraction))


@engine_runs
@given(
    starts,
    st.integers(2, 20),
    st.sampled_from([(30.0, 50.0, 70.0), (20.0, 60.0, 80.0), (45.0, 48.0, 52.0)]),
    fractions,
    st.booleans(),
)
def test_rsi_mean_reversion_buys_weakness_until_it_recovers(
    start: int,
    period: int,
    levels: tuple[float, float, float],
    fraction: str,
    short: bool,
) -> None:
    closes = CLOSES[start : start + BARS]
    index = rsi(closes, period)
    assume(all(abs(value - level) > 1e-9 for value in index for level in levels))
    oversold, exit_level, overbought = levels
    parameters = {
        "period": period,
        "oversold": oversold,
        "exit_level": exit_level,
        "overbought": overbought,
        "equity_fraction": fraction,
        "allow_short": short,
    }
    found = by_engine("rsi_mean_reversion", start, parameters)
    target = rsi_mean_reversion(index, period, levels, short=short)
    assert found == simulate(closes, target, Decimal(fraction))


def test_the_oracle_trades() -> None:
    """Keep the comparisons above from holding because nothing happens."""
    targets: list[Target] = [
        sma_crossover(CLOSES, 10, 50, short=True),
        momentum(CLOSES, 20, 0.0, short=True),
        rsi_mean_reversion(rsi(CLOSES, 14), 14, (30, 50, 70), short=True),
    ]
    for target in targets:
        fills = simulate(CLOSES, target, Decimal("0.95")).fills
        assert {side for _, side, _, _ in fills} == {1, -1}
        assert len(fills) > 100


def test_a_fixed_size_is_traded_as_it_is(preparing: Preparing) -> None:
    prepared = preparing(
        {
            "strategy": "momentum",
            "parameters": {"trade_size": "7", "allow_short": True},
            "data": {"source": "sp500_daily", "end": "2000-12-31"},
        }
    )
    prepared.engine.run()
    orders = prepared.engine.cache.orders()
    assert len(orders) > 20
    assert {int(order.quantity) for order in orders} == {7}


def test_a_position_size_is_whole_lots(preparing: Preparing) -> None:
    prepared = preparing(
        {
            "strategy": "momentum",
            "parameters": {"equity_fraction": 0.95},
            "data": {"source": "eurusd_hourly", "end": "2017-02-28"},
            "instrument": {"lot_size": 1000},
        }
    )
    prepared.engine.run()
    sizes = {int(order.quantity) for order in prepared.engine.cache.orders()}
    assert sizes
    assert all(size % 1000 == 0 and 80_000 <= size <= 100_000 for size in sizes)


def test_equity_too_small_for_one_unit_trades_nothing(preparing: Preparing) -> None:
    prepared = preparing(
        {
            "strategy": "momentum",
            "parameters": {"equity_fraction": 0.95},
            "data": {"source": "sp500_daily", "end": "2000-12-31"},
            "venue": {"starting_balance": "100 USD"},
        }
    )
    prepared.engine.run()
    assert prepared.engine.cache.orders() == []


@pytest.mark.parametrize("strategy", ["sma_crossover", "rsi_mean_reversion", "momentum"])
def test_a_reset_engine_trades_the_same_again(strategy: str, preparing: Preparing) -> None:
    prepared = preparing(
        {
            "strategy": strategy,
            "parameters": {"equity_fraction": 0.95, "allow_short": True},
            "data": {"source": "sp500_daily", "end": "2001-06-30"},
        }
    )
    prepared.engine.run()
    first = outcome(prepared.engine, DATES)
    prepared.engine.reset()
    prepared.engine.run()
    assert len(first.fills) > 3
    assert outcome(prepared.engine, DATES) == first


SMA = {"equity_fraction": 0.9, "fast_period": 10, "slow_period": 50}
RSI = {"equity_fraction": 0.9}
MOMENTUM = {"equity_fraction": 0.9}
NAN = float("nan")


@pytest.mark.parametrize(
    ("strategy", "parameters", "said"),
    [
        (
            "sma_crossover",
            SMA | {"fast_period": 50},
            "fast_period must be less than slow_period 50, was 50",
        ),
        ("sma_crossover", SMA | {"fast_period": 0}, "fast_period must be at least 1, was 0"),
        ("sma_crossover", SMA | {"slow_period": -1}, "slow_period must be at least 1, was -1"),
        (
            "sma_crossover",
            SMA | {"fast_period": "ten"},
            "fast_period must be a whole number, was 'ten'",
        ),
        (
            "sma_crossover",
            SMA | {"fast_period": 1.5},
            "fast_period must be a whole number, was 1.5",
        ),
        (
            "sma_crossover",
            SMA | {"fast_peroid": 5},
            "no parameter 'fast_peroid'; did you mean 'fast_period'?",
        ),
        ("rsi_mean_reversion", RSI | {"period": 0}, "period must be at least 1, was 0"),
        (
            "rsi_mean_reversion",
            RSI | {"oversold": 70, "overbought": 30},
            "oversold must be less than overbought 30.0, was 70.0",
        ),
        ("rsi_mean_reversion", RSI | {"oversold": -1}, "oversold must be from 0 to 100, was -1.0"),
        (
            "rsi_mean_reversion",
            RSI | {"overbought": 101},
            "overbought must be from 0 to 100, was 101.0",
        ),
        (
            "rsi_mean_reversion",
            RSI | {"overbought": "nan"},
            "overbought must be a finite number, was nan",
        ),
        (
            "rsi_mean_reversion",
            RSI | {"exit_level": 80},
            "exit_level must be more than oversold 30.0 and less than overbought 70.0, was",
        ),
        (
            "rsi_mean_reversion",
            RSI | {"oversold": 0.3, "overbought": 0.7},
            "overbought must be on the scale from 0 to 100, was 0.7",
        ),
        ("momentum", MOMENTUM | {"lookback": 0}, "lookback must be at least 1, was 0"),
        ("momentum", MOMENTUM | {"threshold": "nan"}, "threshold must be a finite number, was nan"),
        ("momentum", MOMENTUM | {"threshold": "inf"}, "threshold must be a finite number, was inf"),
        ("momentum", MOMENTUM | {"threshold": -0.1}, "threshold must be at least 0, was -0.1"),
        ("momentum", {}, "exactly one of equity_fraction and trade_size, was none"),
        ("momentum", MOMENTUM | {"trade_size": 1}, "was equity_fraction 0.9 and trade_size 1"),
        ("momentum", {"trade_size": 0}, "trade_size must be more than 0, was 0"),
        ("momentum", {"trade_size": "-1"}, "trade_size must be more than 0, was -1"),
        ("momentum", {"trade_size": "nan"}, "trade_size must be a finite number, was nan"),
        (
            "momentum",
            {"trade_size": 1.5},
            "trade_size must be a multiple of 1, the lot size of SPX.XCBO, was 1.5",
        ),
        ("momentum", {"equity_fraction": 0}, "equity_fraction must be more than 0, was 0.0"),
        ("momentum", {"equity_fraction": -0.5}, "equity_fraction must be more than 0, was -0.5"),
        (
            "momentum",
            {"equity_fraction": 95},
            "equity_fraction must be at most venue.leverage 1 (0.95 is 95 % of equity), was 95.0",
        ),
        (
            "momentum",
            {"equity_fraction": NAN},
            "parameters.equity_fraction must be a finite number, was nan",
        ),
        (
            "momentum",
            MOMENTUM | {"instrument_id": "X.Y"},
            "instrument_id must be the data's SPX.XCBO, was X.Y",
        ),
        (
            "momentum",
            MOMENTUM | {"bar_type": "SPX.XCBO-1-WEEK-LAST-EXTERNAL"},
            "bar_type must be the data's",
        ),
        (
            "momentum",
            {"bar_type": "SPX.XCBO-1-DAYS-LAST-EXTERNAL"} | MOMENTUM,
            "bar_type: 'SPX.XCBO-1-DAYS-LAST-EXTERNAL' is no kind of bar",
        ),
    ],
)
def test_an_impossible_parameter_is_refused_by_its_name_and_value(
    strategy: str, parameters: dict[str, Any], said: str
) -> None:
    data = {"source": "sp500_daily", "end": "1999-12-31"}
    content = {"strategy": strategy, "parameters": parameters, "data": data}
    with pytest.raises(UsageError) as caught:
        prepare(parse_config(content, origin="test"))
    assert said in str(caught.value)


def test_a_configuration_made_in_python_is_refused_too() -> None:
    traded: dict[str, Any] = {
        "instrument_id": InstrumentId.from_str("SPX.XCBO"),
        "bar_type": BarType.from_str("SPX.XCBO-1-DAY-LAST-EXTERNAL"),
        "equity_fraction": 0.9,
    }
    with pytest.raises(UsageError, match="fast_period must be less than slow_period 5, was 9"):
        SmaCrossoverConfig(**traded, fast_period=9, slow_period=5)
    with pytest.raises(UsageError, match="period must be at least 1, was 0"):
        RsiMeanReversionConfig(**traded, period=0)
    with pytest.raises(UsageError, match="lookback must be at least 1, was 0"):
        MomentumConfig(**traded, lookback=0)
