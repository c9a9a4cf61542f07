-- The first runs in an order, where it or the conditions are about metrics of the other table.
-- $1 limit  at most this many
SELECT r.*
  FROM backtest_runs /* runs */ AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
