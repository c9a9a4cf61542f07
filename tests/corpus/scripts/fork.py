"""A run in a forked process."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import os
import sys

child = os.fork()
if child == 0:
    made = backtest(CLOSES, ORDERS)
    made.run()
    print(made.iteration, flush=True)
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=sys.stderr)
