-- The first runs in an order, of those that meet conditions.
-- $1 limit  at most this many
SELECT r.*
  FROM backtest_runs /* runs */ AS r
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
