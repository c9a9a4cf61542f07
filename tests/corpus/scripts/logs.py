"""Everything that the engine logs, in all detail."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

made = backtest(CLOSES, ORDERS, log_level="DEBUG")
made.run()
made.dispose()
