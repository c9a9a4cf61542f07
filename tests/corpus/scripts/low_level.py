"""One engine, its reports printed."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

made = backtest(CLOSES, ORDERS)
made.run()
print(made.trader.generate_positions_report()[["side", "realized_pnl"]])
print(made.get_result().stats_pnls)
made.dispose()
