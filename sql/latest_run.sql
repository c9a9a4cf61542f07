-- Find the id of the newest run, or of the one that so many are newer than; reproductions do not count.
-- $1 newer  how many are newer
SELECT r.run_id
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE r.reproduced_from IS NULL
   AND true /* filters */
 ORDER BY r.started_at DESC, r.run_id DESC
 LIMIT 1 OFFSET $1
