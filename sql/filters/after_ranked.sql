-- Runs that come after one, ranked by a field with the highest first.
-- $1 value
-- $2 started_at
-- $3 run_id
SELECT r.run_id FROM backtest_runs AS r JOIN performance_metrics AS m USING (run_id)
 WHERE (m.sharpe_ratio /* field */, r.started_at, r.run_id) < ($1, $2, $3)
