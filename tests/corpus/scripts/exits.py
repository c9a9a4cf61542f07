"""A script that leaves with a code after its run."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import sys

backtest(CLOSES, ORDERS).run()
sys.exit(7)
