"""A script that asks before it runs, and changes what it began with."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import os
import sys

print(repr(input("Press Enter: ")))
sys.argv.append("changed")
os.chdir("/")
made = backtest(CLOSES, ORDERS)
made.run()
print(sys.argv[1:], os.getcwd())
