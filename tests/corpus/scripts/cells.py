"""Source run piece by piece, as a notebook does."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

import linecache

space = {"backtest": backtest}
for number, cell in enumerate(
    ["made = backtest([1, 2, 3])", "made.run()", "print(made.iteration)"]
):
    name = f"<cell {number}>"
    linecache.cache[name] = (len(cell), None, [cell], name)
    exec(compile(cell, name, "exec"), space)
