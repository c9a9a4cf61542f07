-- Find the id of the best run by a metric, the newest of equals; none if no successful run has it.
-- Reproductions do not count.
SELECT r.run_id
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE r.sharpe_ratio /* field */ IS NOT NULL
   AND r.status = 'success'
   AND r.reproduced_from IS NULL
   AND true /* filters */
 ORDER BY r.sharpe_ratio /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT 1
