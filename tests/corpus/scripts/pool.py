"""Runs in a pool of new processes."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import multiprocessing


def work(size: int) -> int:
    made = backtest(CLOSES, {0: size})
    made.run()
    return int(made.iteration)


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, range(2)))
