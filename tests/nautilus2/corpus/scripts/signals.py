"""Actors that publish from within what they hear, until one of them fails where nobody sees it."""

import sys

from nautilus_trader.common import DataActor

from tests.nautilus2.corpus.market import EURO_DOLLAR, Cross, CrossConfig, engine, quotes, told


class Listens(DataActor):
    def on_start(self):
        self.subscribe_signal("news")

    def on_signal(self, signal):
        print("heard", signal.value)
        if signal.value == "good":
            self.publish_signal("news", "bad")
        else:
            raise RuntimeError("no bad news")


class Publishes(DataActor):
    def on_start(self):
        self.publish_signal("news", "good")
        print("published")


made = engine([EURO_DOLLAR])
made.add_data(quotes(EURO_DOLLAR, 500))
made.add_actor(Listens())
made.add_actor(Publishes())
kind = f"{EURO_DOLLAR.id}-1-MINUTE-MID-INTERNAL"
made.add_strategy(Cross(CrossConfig(instrument_id=EURO_DOLLAR.id, bar_type=kind, trade_size=1_000)))
made.run()
told(made.cache, made.portfolio, made.list_venues())
made.dispose()
sys.exit(3)
