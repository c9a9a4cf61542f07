"""Actors and strategies that speak by topics, by data of their own and by signals."""

from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.core.data import Data
from nautilus_trader.model.custom import customdataclass
from nautilus_trader.model.data import Bar, DataType
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import PAIR, bars, engine, minute_bars, told


@customdataclass
class Mood(Data):
    word: str = "calm"
    level: float = 0.0


class WatcherConfig(ActorConfig, frozen=True):
    every: int = 60


class Watcher(Actor):
    def on_start(self) -> None:
        self.bars, self.highest = 0, 0.0
        self.subscribe_bars(minute_bars())

    def on_bar(self, bar: Bar) -> None:
        self.bars += 1
        if self.bars % self.config.every == 0:
            self.msgbus.publish("turns", self.bars)
            mood = Mood(
                ts_event=bar.ts_event, ts_init=bar.ts_init, word="keen", level=self.bars / 4
            )
            self.publish_data(DataType(Mood), mood)
        if bar.close.as_double() > self.highest:
            self.highest = bar.close.as_double()
            if self.bars % 7 == 0:
                self.publish_signal("highest", self.highest, ts_event=bar.ts_event)


class Listener(Strategy):
    def on_start(self) -> None:
        self.signals = 0
        self.msgbus.subscribe("turns", self.on_turn)
        self.subscribe_data(DataType(Mood))
        self.subscribe_signal("highest")

    def on_turn(self, bars: int) -> None:
        side = OrderSide.BUY if bars % 120 else OrderSide.SELL
        self.submit_order(self.order_factory.market(PAIR.id, side, PAIR.make_qty(10_000)))

    def on_data(self, data: Data) -> None:
        print(type(data).__name__, data.word, data.level)

    def on_signal(self, signal: object) -> None:
        self.signals += 1

    def on_stop(self) -> None:
        print("signals", self.signals)


made = engine()
made.add_data(bars())
made.add_actor(Watcher(WatcherConfig()))
made.add_strategy(Listener())
made.run()
told(made)
