"""A run that looks at the time of day."""

import time

from nautilus_trader.model.data import Bar

from tests.capture.backtests import Scripted, ScriptedConfig, bar_type, bars, engine, share


class Hasty(Scripted):
    def on_bar(self, bar: Bar) -> None:
        super().on_bar(bar)
        if self.bars == 1:
            self.trade(1 + time.time_ns() % 997)


made = engine(share())
made.add_data(bars(share(), [100, 110, 120, 115]))
made.add_strategy(Hasty(ScriptedConfig(instrument_id=share().id, bar_type=bar_type(share()))))
made.run()
