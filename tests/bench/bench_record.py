"""What `record` costs a backtest: 20,000 bars with and without it, medians of alternate runs."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.objects import Money, Price

from backtest_store.store.embedded.server import EmbeddedServer
from tests.bench.recorded import ALLOWANCE, BARS, FACTOR, measure
from tests.bench.table import Row
from tests.capture.backtests import MINUTE, bar_type, bars, engine, pair
from tests.capture.metrics_of_1_221 import waves

TICK = Decimal("0.00001")
INSTRUMENT = pair("AUD/USD", AUD, USD, fee="0.00002")


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


async def recorded_runs() -> AsyncIterator[Row]:
    """Measure in a process of its own, with an embedded store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environment = {n: v for n, v in os.environ.items() if not n.startswith("BTSTORE_")}
        environment |= {"BTSTORE_HOME": str(home), "BTSTORE_LOG_LEVEL": "error"}
        command = [sys.executable, "-m", __name__]
        out = await asyncio.to_thread(subprocess.check_output, command, env=environment)
        EmbeddedServer(home).stop()
    note = f"the bar is {FACTOR} × floor + {ALLOWANCE} ms"
    # On a machine that is busy with something else, the clock tells what the other does.
    for what, (alone, recorded) in zip(("", ", CPU time"), json.loads(out), strict=True):
        bar = round(FACTOR * 1e3 * alone + ALLOWANCE)
        yield Row(
            f"{BARS:,} bars recorded{what}", 1e3 * recorded, "ms", bar, 1e3 * alone, note=note
        )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(make)))
