-- List all runs that meet conditions, with what is said of them and their metrics, in an order.
SELECT r.* /* fields */
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
