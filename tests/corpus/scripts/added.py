"""Instruments and bars that come by request, and strategies that a controller adds."""

from pathlib import Path

from nautilus_trader.config import ActorConfig
from nautilus_trader.core.datetime import unix_nanos_to_dt
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.persistence.config import DataCatalogConfig
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.config import ImportableControllerConfig
from nautilus_trader.trading.controller import Controller
from nautilus_trader.trading.strategy import Strategy
from nautilus_trader.trading.trader import Trader

from tests.corpus.market import PAIR, START, bars, engine, minute_bars, told

OTHER = TestInstrumentProvider.default_fx_ccy("NZD/USD", Venue("SIM"))


class Asker(Strategy):
    def on_start(self) -> None:
        self.request_instrument(OTHER.id)
        self.request_bars(minute_bars(OTHER), start=unix_nanos_to_dt(START))
        self.subscribe_bars(minute_bars())

    def on_instrument(self, instrument: Instrument) -> None:
        print("came", instrument.id)

    def on_historical_data(self, data: Bar) -> None:
        if isinstance(data, Bar) and data.ts_event == bars()[5].ts_event:
            print("came", data)

    def on_bar(self, bar: Bar) -> None:
        if self.cache.orders_total_count() == 0:
            side, size = 1, PAIR.make_qty(10_000)
            self.submit_order(self.order_factory.market(PAIR.id, side, size))

    def on_stop(self) -> None:
        print(sorted(str(each.id) for each in self.cache.instruments()))
        self.close_all_positions(PAIR.id)


class Hirer(Controller):
    def __init__(self, trader: Trader, config: ActorConfig) -> None:
        super().__init__(trader=trader, config=config)

    def on_start(self) -> None:
        self.create_strategy(Asker(), start=False)


folder = Path("catalog").absolute()
if not folder.exists():
    catalog = ParquetDataCatalog(folder)
    catalog.write_data([PAIR, OTHER])
    catalog.write_data(bars(20, OTHER, 0.6))
made = engine(
    catalogs=[DataCatalogConfig(path=str(folder))],
    controller=ImportableControllerConfig(
        controller_path=f"{__name__}:Hirer",
        config_path="nautilus_trader.config:ActorConfig",
        config={},
    ),
)
made.add_data(bars(50)[25:])
made.run()
told(made)
