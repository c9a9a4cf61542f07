"""NautilusTrader's own example strategies, unmodified, under `btstore exec`."""

from pathlib import Path

from tests import forked
from tests.capture.stores import shared_url, store, stored
from tests.runner.test_exec import ROOT

__all__ = ["shared_url", "store"]

EXAMPLES = """
import sys
from decimal import Decimal
sys.path.insert(0, {root!r})
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.examples.strategies.ema_cross_bracket import (
    EMACrossBracket, EMACrossBracketConfig,
)
from nautilus_trader.examples.strategies.ema_cross_long_only import (
    EMACrossLongOnly, EMACrossLongOnlyConfig,
)
from nautilus_trader.examples.strategies.ema_cross_trailing_stop import (
    EMACrossTrailingStop, EMACrossTrailingStopConfig,
)
from nautilus_trader.examples.strategies.blank import MyStrategy, MyStrategyConfig
from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.data import Bar
from nautilus_trader.model.objects import Money, Price
from tests.capture.backtests import MINUTE, bar_type, bars, engine, pair
from tests.capture.metrics_of_1_221 import waves

instrument = pair("AUD/USD", AUD, USD, fee="0.00002")
common = dict(
    instrument_id=instrument.id, bar_type=bar_type(instrument, MINUTE), trade_size=Decimal(10_000)
)
data = [
    Bar(b.bar_type, b.open, Price(b.high + Decimal("0.00001"), 5), b.low, b.close, b.volume,
        b.ts_event, b.ts_init)
    for b in bars(instrument, waves(1_500), step=MINUTE)
]
for strategy in (
    EMACross(EMACrossConfig(**common)),
    EMACrossBracket(EMACrossBracketConfig(**common)),
    EMACrossLongOnly(EMACrossLongOnlyConfig(**common)),
    EMACrossTrailingStop(EMACrossTrailingStopConfig(
        **common, atr_period=20, trailing_atr_multiple=3.0, trailing_offset_type="PRICE",
        trigger_type="LAST_PRICE")),
    MyStrategy(MyStrategyConfig(instrument_id=instrument.id)),
):
    made = engine(instrument, balances=[Money(1_000_000, USD)])
    made.add_data(data)
    made.add_strategy(strategy)
    made.run()
    (account,) = made.cache.accounts()
    print(type(strategy).__name__, account.balance_total(USD).as_decimal(),
          len(made.cache.positions_closed()) + len(made.cache.position_snapshots()))
    made.dispose()
"""


def test_nautilus_traders_own_examples_are_saved_right(store: str, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(EXAMPLES.format(root=ROOT))
    ran = forked.btstore("exec", path)
    assert ran.returncode == 0, ran.stderr
    printed = [line.split() for line in ran.stdout.splitlines()]
    saved = stored(store)
    assert [s["strategy_name"] for s in saved] == [name for name, _, _ in printed]
    assert [s["final_balance"] for s in saved] == [float(balance) for _, balance, _ in printed]
    assert [s["total_trades"] for s in saved] == [int(trades) for _, _, trades in printed]
    assert sum(s["total_trades"] for s in saved) > 20
    assert {s["status"] for s in saved} == {"success"}
