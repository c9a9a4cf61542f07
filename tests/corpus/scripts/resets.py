"""One engine that runs three times."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

made = backtest(CLOSES, ORDERS)
for _ in range(3):
    made.run()
    print(
        made.portfolio.net_positions if hasattr(made.portfolio, "net_positions") else made.iteration
    )
    made.reset()
