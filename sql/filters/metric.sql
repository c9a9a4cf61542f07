-- Runs with a metric that is more or less than a value, or equals it.
-- $1 value
SELECT r.run_id FROM backtest_runs AS r JOIN performance_metrics AS m USING (run_id)
 WHERE m.sharpe_ratio /* field */ > /* operator */ $1
