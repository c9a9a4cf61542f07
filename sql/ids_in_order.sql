-- Find the ids of all runs that meet conditions, or of some, in an order.
-- For @latest, @best, @batch, @starred, `delete` and completion; PostgreSQL chooses how.
-- $1 limit  at most this many; NULL is all
-- $2 after  how many are passed over
SELECT r.run_id
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1 OFFSET $2
