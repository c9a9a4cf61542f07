"""A catalog of quotes, a node with a built-in strategy, and what its engine came to."""

from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest import (
    BacktestDataConfig,
    BacktestEngineConfig,
    BacktestNode,
    BacktestRunConfig,
    BacktestVenueConfig,
)
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.model import NautilusDataType, OmsType, Quantity, Venue
from nautilus_trader.persistence import ParquetDataCatalog
from nautilus_trader.trading import EmaCrossConfig

from tests.nautilus2.corpus.market import ERRORS, EURO_DOLLAR, USD, quotes, told

path = Path("catalog").resolve()
if not path.exists():
    path.mkdir()
    catalog = ParquetDataCatalog(str(path))
    catalog.write_instruments([EURO_DOLLAR])
    catalog.write_quote_ticks(quotes(EURO_DOLLAR))
found = ParquetDataCatalog(str(path)).query_quote_ticks(identifiers=[str(EURO_DOLLAR.id)])
config = BacktestRunConfig(
    venues=[
        BacktestVenueConfig(
            name="SIM",
            oms_type=OmsType.HEDGING,
            account_type="MARGIN",
            base_currency=USD,
            starting_balances=["1_000_000 USD"],
            fee_model=MakerTakerFeeModel(Decimal("0.00002"), Decimal("0.00002")),
        )
    ],
    data=[
        BacktestDataConfig(
            data_type=NautilusDataType.QuoteTick,
            catalog_path=str(path),
            instrument_id=EURO_DOLLAR.id,
            start_time=found[0].ts_init,
            end_time=found[-100].ts_init,
        )
    ],
    engine=BacktestEngineConfig(logging=ERRORS),
    dispose_on_completion=False,
)
node = BacktestNode(configs=[config])
node.build()
settings = EmaCrossConfig(
    instrument_id=EURO_DOLLAR.id, trade_size=Quantity.from_int(10_000), slow_period=20
)
node.add_builtin_strategy(config.id, "EmaCross", settings)
print(len(node.run()))
told(node.get_engine_cache(config.id), node.get_engine_portfolio(config.id), [Venue("SIM")])
