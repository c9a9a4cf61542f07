"""A strategy that raises, and a hook of the script that shows it."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import sys

sys.excepthook = lambda kind, error, trace: print(kind.__name__, error, trace and trace.tb_lineno)
backtest(CLOSES, ORDERS, strategy={"raise_at": 1}).run()
