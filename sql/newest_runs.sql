-- List the newest runs, what a person needs to tell them apart.
-- $1 low    the least id
-- $2 high   the greatest id
-- $3 limit  at most this many
SELECT run_id, strategy_name, started_at
  FROM backtest_runs
 WHERE run_id BETWEEN $1 AND $2
 ORDER BY started_at DESC, run_id DESC
 LIMIT $3
