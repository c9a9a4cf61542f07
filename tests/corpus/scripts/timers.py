"""Strategies that get plain arguments, and a timer."""

import pandas as pd
from nautilus_trader.common.events import TimeEvent
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import PAIR, bars, engine, minute_bars, told


class Alarm(Strategy):
    def __init__(self, primary_bar_type: BarType, minutes: int) -> None:
        super().__init__()
        self.primary_bar_type = primary_bar_type
        self.interval = pd.Timedelta(minutes=minutes)
        self.rung = 0

    def on_start(self) -> None:
        self.subscribe_bars(self.primary_bar_type)
        self.clock.set_timer("alarm", interval=self.interval, callback=self.on_alarm)
        self.clock.set_time_alert("once", self.clock.utc_now() + pd.Timedelta(hours=1))

    def on_bar(self, bar: Bar) -> None:
        if self.clock.timestamp_ns() % (100 * 60 * 10**9) == 0:
            self.log.info(f"{bar}")

    def on_alarm(self, event: TimeEvent) -> None:
        self.rung += 1
        side = OrderSide.BUY if self.rung % 2 else OrderSide.SELL
        self.submit_order(self.order_factory.market(PAIR.id, side, PAIR.make_qty(10_000)))

    def on_event(self, event: object) -> None:
        if isinstance(event, TimeEvent):
            self.log.info(f"{event.name} at {event.ts_event}")

    def on_stop(self) -> None:
        print("rung", self.rung)


for minutes in (30, 45):
    made = engine(log_level="INFO")
    made.add_data(bars())
    made.add_strategy(Alarm(minute_bars(), minutes=minutes))
    made.run()
    told(made)
