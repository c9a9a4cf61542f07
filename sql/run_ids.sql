-- List the ids of runs, newest first.
SELECT r.run_id
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at DESC, r.run_id DESC
