-- Runs that come after one, ranked by a field; the first condition is for the index.
-- $1 value
-- $2 started_at
-- $3 run_id
SELECT r.run_id FROM backtest_runs AS r JOIN performance_metrics AS m USING (run_id)
 WHERE m.sharpe_ratio /* field */ <= /* not_before */ $1
       AND (m.sharpe_ratio /* field */ < /* after */ $1 OR (r.started_at, r.run_id) < ($2, $3))
