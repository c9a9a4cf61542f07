"""What `record` costs a backtest of 2.0, and what the least of it does: `python -m` this module."""

import hashlib
import subprocess
import sys
from decimal import Decimal
from statistics import median
from time import perf_counter

from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import AccountType, Bar, Money, OmsType

from tests.bench.recorded import ALLOWANCE, BARS, FACTOR, ROUNDS, measure
from tests.capture.metrics_of_1_221 import waves
from tests.nautilus2.backtests import (
    AUD,
    MINUTE,
    QUIET,
    USD,
    Scripted,
    ScriptedConfig,
    bars_of,
    pair,
)

INSTRUMENT = pair("AUD/USD", AUD, USD)
DATA = bars_of(INSTRUMENT, waves(BARS), MINUTE)
SIZE = Decimal(1000)
FEE = Decimal("0.00002")


class Often(Scripted):
    """Buys and sells in turn, 500 times."""

    def on_bar(self, _: Bar) -> None:
        """Trade at every fortieth bar."""
        self.bars += 1
        if self.bars % 40 == 0:
            self.trade(SIZE if self.bars % 80 else -SIZE)


def make() -> BacktestEngine:
    """An engine that is ready to run."""
    made = BacktestEngine(BacktestEngineConfig(logging=QUIET))
    made.add_venue(
        venue=INSTRUMENT.id.venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(1_000_000, USD)],
        fee_model=MakerTakerFeeModel(FEE, FEE),
    )
    made.add_instrument(INSTRUMENT)
    made.add_data(DATA)
    made.add_strategy(Often(ScriptedConfig(instrument_id=INSTRUMENT.id, bar_type=DATA[0].bar_type)))
    return made


def least() -> dict[str, float]:
    """Return the seconds that reading every bar takes, and starting the two questions to git."""
    found = []
    for _ in range(ROUNDS):
        began = perf_counter()
        hashlib.sha256("\n".join(map(str, DATA)).encode()).digest()
        read = perf_counter()
        asked = [subprocess.Popen(["git", "--version"], stdout=subprocess.DEVNULL) for _ in "12"]
        found.append((read - began, perf_counter() - read))
        for process in asked:
            process.wait()
    return dict(
        zip(
            ("text of every bar", "two processes"),
            map(median, zip(*found, strict=True)),
            strict=True,
        )
    )


def main() -> None:
    """Print each figure in milliseconds, and what the bar allows."""
    for name, (alone, recorded) in zip(("clock", "CPU"), measure(make), strict=True):
        allowed = (FACTOR - 1) * 1e3 * alone + ALLOWANCE
        over = 1e3 * (recorded - alone)
        sys.stdout.write(
            f"{name}: {1e3 * alone:.1f} alone, {1e3 * recorded:.1f} recorded,"
            f" {over:.1f} more, {allowed:.1f} allowed\n"
        )
    for what, seconds in least().items():
        sys.stdout.write(f"{what}: {1e3 * seconds:.1f}\n")


if __name__ == "__main__":
    main()
