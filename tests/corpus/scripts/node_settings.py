"""Nodes with every kind of setting: models, enums, portions of the data, and a stream to disk."""

from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.config import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestRunConfig,
    BacktestVenueConfig,
    ImportableFeeModelConfig,
    ImportableFillModelConfig,
    ImportableLatencyModelConfig,
)
from nautilus_trader.backtest.node import BacktestNode
from nautilus_trader.config import ImportableStrategyConfig, LoggingConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import TimeInForce
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.config import StreamingConfig
from nautilus_trader.persistence.writer import RotationMode

from tests.corpus.market import PAIR, bars, minute_bars

catalog = Path("catalog").absolute()
if not catalog.exists():
    made = ParquetDataCatalog(catalog)
    made.write_data([PAIR])
    made.write_data(bars())
EXAMPLES, MODELS = "nautilus_trader.examples.strategies.ema_cross", "nautilus_trader.backtest"
strategy = ImportableStrategyConfig(
    strategy_path=f"{EXAMPLES}:EMACross",
    config_path=f"{EXAMPLES}:EMACrossConfig",
    config={
        "instrument_id": PAIR.id,
        "bar_type": minute_bars(),
        "trade_size": Decimal(100_000),
        "request_bars": False,
        "subscribe_trade_ticks": False,
        "order_time_in_force": TimeInForce.IOC,
    },
)
venue = {
    "name": "SIM",
    "oms_type": "HEDGING",
    "account_type": "MARGIN",
    "base_currency": "USD",
    "starting_balances": ["1_000_000 USD"],
}
models = {
    "fill_model": ImportableFillModelConfig(
        fill_model_path=f"{MODELS}.models:FillModel",
        config_path=f"{MODELS}.config:FillModelConfig",
        config={"prob_fill_on_limit": 0.5, "prob_slippage": 0.5, "random_seed": 7},
    ),
    "latency_model": ImportableLatencyModelConfig(
        latency_model_path=f"{MODELS}.models:LatencyModel",
        config_path=f"{MODELS}.config:LatencyModelConfig",
        config={"base_latency_nanos": 1_000_000},
    ),
    "fee_model": ImportableFeeModelConfig(
        fee_model_path=f"{MODELS}.models:FixedFeeModel",
        config_path=f"{MODELS}.config:FixedFeeModelConfig",
        config={"commission": "1.50 USD"},
    ),
}
streaming = StreamingConfig(
    catalog_path=str(catalog.parent / "streamed"),
    rotation_mode=RotationMode.SIZE,
    include_types=[Bar],
)
configs = [
    BacktestRunConfig(
        engine=BacktestEngineConfig(
            logging=LoggingConfig(log_level="OFF"), strategies=[strategy], streaming=stream
        ),
        venues=[BacktestVenueConfig(**venue, **settings)],
        data=[
            BacktestDataConfig(
                catalog_path=str(catalog),
                data_cls=Bar,
                instrument_id=PAIR.id,
                bar_spec="1-MINUTE-LAST",
            )
        ],
        chunk_size=portion,
    )
    for settings, stream, portion in ((models, None, None), ({}, streaming, 100))
]
for config in configs:  # each in a node of its own: a later engine would seed chance anew
    (result,) = BacktestNode([config]).run()
    print(result.total_orders, result.total_positions, result.stats_pnls["USD"]["PnL (total)"])
