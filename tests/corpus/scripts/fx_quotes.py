"""Currencies by quotes: bars made of them, chance in the fills, latency, interest overnight."""

from decimal import Decimal

import pandas as pd
from nautilus_trader.backtest.config import FXRolloverInterestConfig
from nautilus_trader.backtest.models import FillModel, LatencyModel
from nautilus_trader.backtest.modules import FXRolloverInterestModule
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.examples.strategies.ema_cross_bracket import (
    EMACrossBracket,
    EMACrossBracketConfig,
)
from nautilus_trader.model.data import BarType

from tests.corpus.market import PAIR, SECOND, engine, quotes, told

rates = pd.DataFrame(
    {"LOCATION": ["AUS", "USA"], "TIME": ["2024-02", "2024-02"], "Value": [4.35, 5.33]}
)
common = {
    "instrument_id": PAIR.id,
    "bar_type": BarType.from_str(f"{PAIR.id}-5-MINUTE-BID-INTERNAL"),
    "trade_size": Decimal(100_000),
}
for strategy in (
    EMACross(EMACrossConfig(**common, subscribe_quote_ticks=True)),
    EMACrossBracket(EMACrossBracketConfig(**common, atr_period=5, emulation_trigger="BID_ASK")),
):
    made = engine(
        log_level="ERROR",
        venue={
            "modules": [FXRolloverInterestModule(FXRolloverInterestConfig(rates))],
            "fill_model": FillModel(prob_fill_on_limit=0.4, prob_slippage=0.5, random_seed=42),
            "latency_model": LatencyModel(base_latency_nanos=5_000_000),
        },
    )
    made.add_data(quotes(2_000, 60 * SECOND))
    made.add_strategy(strategy)
    made.run()
    told(made)
