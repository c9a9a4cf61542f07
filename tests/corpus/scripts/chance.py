"""Two runs that draw random numbers without a seed."""

import random

from nautilus_trader.model.data import Bar

from tests.capture.backtests import Scripted, ScriptedConfig, bar_type, bars, engine, share


class Gambler(Scripted):
    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        self.trade(random.choice([-1, 1]) * random.randint(1, 50))


for size in (100, 110):
    made = engine(share())
    made.add_data(bars(share(), [size, 110, 120, 115, 130, 105]))
    made.add_strategy(Gambler(ScriptedConfig(instrument_id=share().id, bar_type=bar_type(share()))))
    made.run()
    made.dispose()
