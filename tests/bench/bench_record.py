"""What `record` costs a backtest: 20,000 bars with and without it, medians of alternate runs.

Run with ``python tests/bench/bench_record.py``; it exits 1 above 1.03 times plus 20 ms.
"""

import gc
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.objects import Money, Price

from backtest_store import record
from tests.capture.backtests import MINUTE, bar_type, bars, engine, pair

BARS = 20_000
ROUNDS = 9
FACTOR, ALLOWANCE = 1.03, 0.020
TICK = Decimal("0.00001")
INSTRUMENT = pair("AUD/USD", AUD, USD, fee="0.00002")


def waves(count: int) -> list[float]:
    """Prices that go up and down, the same every time."""
    prices, price, state = [], 0.7, 12345
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        price *= 1 + (state / 2**31 - 0.5) * 0.002
        prices.append(round(price, 5))
    return prices


DATA = [
    # The strategy takes no notice of a bar whose prices are all the same.
    Bar(
        b.bar_type, b.open, Price(b.high + TICK, 5), b.low, b.close, b.volume, b.ts_event, b.ts_init
    )
    for b in bars(INSTRUMENT, waves(BARS), step=MINUTE)
]


def make() -> BacktestEngine:
    """An engine with a strategy that trades some hundred times."""
    made = engine(INSTRUMENT, balances=[Money(1_000_000, USD)])
    made.add_data(DATA)
    config = EMACrossConfig(
        instrument_id=INSTRUMENT.id,
        bar_type=bar_type(INSTRUMENT, MINUTE),
        trade_size=Decimal(100_000),
        fast_ema_period=20,
        slow_ema_period=60,
    )
    made.add_strategy(EMACross(config))
    return made


def seconds(*, recorded: bool) -> float:
    """Time one run, its saving included."""
    made = make()
    gc.collect()
    around: AbstractContextManager[object] = record(made) if recorded else nullcontext()
    start = perf_counter()
    with around:
        made.run()
    elapsed = perf_counter() - start
    made.dispose()
    return elapsed


def main() -> int:
    """Compare medians and print them."""
    seconds(recorded=True)
    pairs = [(seconds(recorded=False), seconds(recorded=True)) for _ in range(ROUNDS)]
    alone, recorded = (median(column) for column in zip(*pairs, strict=True))
    allowed = FACTOR * alone + ALLOWANCE
    sys.stdout.write(
        json.dumps(
            {
                "bars": BARS,
                "alone_ms": round(alone * 1000, 1),
                "recorded_ms": round(recorded * 1000, 1),
                "ratio": round(recorded / alone, 4),
                "allowed_ms": round(allowed * 1000, 1),
                "ok": recorded <= allowed,
            }
        )
        + "\n"
    )
    return 0 if recorded <= allowed else 1


if __name__ == "__main__":
    sys.exit(main())
