"""An order book from a catalog, and orders that are filled whole at once or not at all."""

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
from nautilus_trader.model import BookType, NautilusDataType, OrderSide, TimeInForce, Venue
from nautilus_trader.persistence import ParquetDataCatalog

from tests.nautilus2.corpus.market import COIN, ERRORS, Cross, CrossConfig, book, told

path = Path("catalog").resolve()
if not path.exists():
    path.mkdir()
    catalog = ParquetDataCatalog(str(path))
    catalog.write_instruments([COIN])
    catalog.write_order_book_deltas(book(COIN))


class Imbalance(Cross):
    def on_start(self):
        self.subscribe_book_deltas(COIN.id, BookType.L2_MBP, managed=True)

    def on_book_deltas(self, _):
        held = self.cache.order_book(COIN.id)
        bid, ask = held.best_bid_size(), held.best_ask_size()
        if not bid or not ask or min(bid, ask).as_double() > 0.5 * max(bid, ask).as_double():
            return
        side, price = (
            (OrderSide.BUY, held.best_ask_price())
            if bid > ask
            else (OrderSide.SELL, held.best_bid_price())
        )
        size = COIN.make_qty(self.config.trade_size)
        fok = TimeInForce.FOK
        self.submit_order(self.order_factory.limit(COIN.id, side, size, price, time_in_force=fok))


config = BacktestRunConfig(
    engine=BacktestEngineConfig(logging=ERRORS),
    data=[
        BacktestDataConfig(
            catalog_path=str(path), data_type=NautilusDataType.OrderBookDelta, instrument_id=COIN.id
        )
    ],
    venues=[
        BacktestVenueConfig(
            name="BINANCE",
            oms_type="NETTING",
            account_type="MARGIN",
            starting_balances=["100000 USDT"],
            book_type=BookType.L2_MBP,
            fee_model=MakerTakerFeeModel(Decimal("0.0001"), Decimal("0.0001")),
        )
    ],
    dispose_on_completion=False,
)
node = BacktestNode(configs=[config])
node.build()
given = {"instrument_id": COIN.id, "bar_type": f"{COIN.id}-1-MINUTE-LAST-INTERNAL"}
node.add_strategy(config.id, Imbalance(CrossConfig(**given, trade_size="0.1")))
print(len(node.run()))
told(node.get_engine_cache(config.id), node.get_engine_portfolio(config.id), [Venue("BINANCE")])
