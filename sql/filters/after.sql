-- Runs that come after one, newest first.
-- $1 started_at
-- $2 run_id
SELECT r.run_id FROM backtest_runs AS r
 WHERE (r.started_at, r.run_id) < ($1, $2)
