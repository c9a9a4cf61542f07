"""A script that goes on after a strategy raised."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import traceback

made = backtest(CLOSES, ORDERS, strategy={"raise_at": 1})
try:
    made.run()
except ValueError:
    traceback.print_exc()
made.dispose()
print("went on")
