"""Bars out of a CSV file with columns of its own."""

import tempfile
from pathlib import Path

import pandas as pd
from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

from tests.corpus.market import PAIR, bars, engine, minute_bars, told


class CounterConfig(StrategyConfig, frozen=True):
    bar_type: BarType


class Counter(Strategy):
    def on_start(self) -> None:
        self.bars, self.started = 0, self.clock.utc_now()
        self.subscribe_bars(self.config.bar_type)

    def on_bar(self, bar: Bar) -> None:
        self.bars += 1

    def on_stop(self) -> None:
        print(self.bars, "bars since", self.started, "until", self.clock.utc_now())


with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "minutes.csv"
    rows = [f"{b.ts_event};{b.open};{b.high};{b.low};{b.close};{b.volume}" for b in bars()]
    file.write_text("\n".join(["when;open;high;low;close;traded", *rows]))
    frame = pd.read_csv(file, sep=";")
frame.index = pd.to_datetime(frame.pop("when"))
frame = frame.rename(columns={"traded": "volume"})
made = engine(log_level="INFO")
made.add_data(BarDataWrangler(minute_bars(), PAIR).process(frame))
made.add_strategy(Counter(CounterConfig(bar_type=minute_bars())))
made.run()
told(made)
