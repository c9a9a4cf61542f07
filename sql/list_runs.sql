-- List runs with what is said of them and their metrics, newest first unless ranked by another field.
-- $1 limit  at most this many rows; NULL for all
SELECT r.* /* run */, m.* /* metrics */
  FROM backtest_runs /* runs */ AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
