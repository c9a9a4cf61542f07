"""Several engines, one after the other and one within a loop of others."""

from tests.capture.backtests import backtest

ORDERS = {0: 10, 2: -10}
CLOSES = [100, 110, 120, 115]

made = [backtest(CLOSES, {0: size}) for size in (1, 2, 3)]
for engine in made:
    engine.run()
    print(engine.iteration, [str(account.balances_total()) for account in engine.cache.accounts()])
for engine in made:
    engine.dispose()
