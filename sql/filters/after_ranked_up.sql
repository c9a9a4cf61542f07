-- Runs that come after one, ranked by a field with the lowest first and the newest of equals first.
-- $1 value
-- $2 started_at
-- $3 run_id
SELECT r.run_id FROM backtest_runs AS r JOIN performance_metrics AS m USING (run_id)
 WHERE m.sharpe_ratio /* field */ >= $1
       AND (m.sharpe_ratio /* field */ > $1 OR (r.started_at, r.run_id) < ($2, $3))
