-- Find the ids of the first runs by a metric that no index has, by sorting all that meet the conditions.
-- For what ids_by_metric_near_top did not find, and for further pages.
-- $1 limit  at most this many runs; NULL is all
SELECT r.run_id
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY m.cagr /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
