"""A fill whose fee is as large as its profit, and a run that no market data came to."""

from decimal import Decimal

from nautilus_trader.model.currencies import AUD, USD

from tests.capture.backtests import backtest, engine, pair, scripted
from tests.corpus.market import told

instrument = pair("AUD/USD", AUD, USD, fee="0.5")
made = backtest([1, 2], {0: 1_000, 1: -1_000}, instrument=instrument)
made.run()
told(made)
empty = engine(instrument)
empty.add_strategy(scripted(instrument, {}))
empty.run()
told(empty)
