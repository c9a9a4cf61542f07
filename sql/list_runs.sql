-- Stream all runs that meet conditions, in an order.
-- For `history --all` and exported tables; for a page, ids are found first and then fetched.
SELECT r.* /* fields */
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
