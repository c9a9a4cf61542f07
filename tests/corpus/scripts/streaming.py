"""An engine that gets its data in chunks."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

from tests.capture.backtests import bars, engine, scripted, share

made = engine(share())
made.add_strategy(scripted(share(), ORDERS))
for start in (0, 2):
    made.add_data(bars(share(), CLOSES)[start : start + 2])
    made.run(streaming=True)
    made.clear_data()
made.end()
print(made.iteration, made.cache.positions_closed_count())
