-- Runs of strategies of a type.
-- $1 type
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.strategy_type = $1
