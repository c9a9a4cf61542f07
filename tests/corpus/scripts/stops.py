"""Stops that trail, entries by stop, and both sides held at once."""

from decimal import Decimal

from nautilus_trader.examples.strategies import ema_cross_hedge_mode as hedge
from nautilus_trader.examples.strategies.ema_cross_stop_entry import (
    EMACrossStopEntry,
    EMACrossStopEntryConfig,
)
from nautilus_trader.examples.strategies.ema_cross_trailing_stop import (
    EMACrossTrailingStop,
    EMACrossTrailingStopConfig,
)
from nautilus_trader.model.enums import OmsType

from tests.corpus.market import PAIR, bars, engine, minute_bars, told

common = {"instrument_id": PAIR.id, "bar_type": minute_bars(), "trade_size": Decimal(100_000)}
trailing = {
    "atr_period": 10,
    "trailing_atr_multiple": 2.0,
    "trailing_offset_type": "PRICE",
    "trigger_type": "LAST_PRICE",
    "emulation_trigger": "LAST_PRICE",
}
for strategy in (
    EMACrossTrailingStop(EMACrossTrailingStopConfig(**common, **trailing)),
    EMACrossStopEntry(
        EMACrossStopEntryConfig(**common, **trailing, trailing_offset=Decimal("0.001"))
    ),
    hedge.EMACross(hedge.EMACrossConfig(**common, subscribe_trade_ticks=False)),
):
    made = engine(venue={"oms_type": OmsType.HEDGING}, log_level="ERROR")
    made.add_data(bars(600))
    made.add_strategy(strategy)
    made.run()
    told(made)
