-- Runs of a strategy.
-- $1 name
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.strategy_name = $1
