-- The first runs of a list: a walk along the one index that has this order. The list's name comes
-- first in it, equal to one of an array, because PostgreSQL drops from an order what it knows to be
-- constant, and might then walk an index of all runs and find few of this list.
-- $1 within  at most this many
SELECT r.*
  FROM backtest_runs AS r
 WHERE true /* filters */
 ORDER BY r.strategy_name /* list */ DESC /* list_direction */,
       r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
