-- Runs that began at a time or later.
-- $1 time
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.started_at >= $1
