"""A run in a thread that outlives the script."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import threading


def work() -> None:
    made = backtest(CLOSES, ORDERS)
    made.run()
    print(made.iteration)


threading.Thread(target=work).start()
