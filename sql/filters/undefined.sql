-- Runs that lack a field.
SELECT r.run_id FROM backtest_runs AS r LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE m.sharpe_ratio /* field */ IS NULL
