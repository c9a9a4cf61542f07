-- Runs of one grid.
-- $1 batch_id
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.batch_id = $1
