-- Runs that ended in a certain way.
-- $1 status
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.status = $1
