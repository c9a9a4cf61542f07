-- List the names of strategies that begin so, in alphabetical order.
-- $1 prefix
-- $2 limit   at most this many
SELECT DISTINCT strategy_name
  FROM backtest_runs
 WHERE starts_with(strategy_name, $1)
 ORDER BY strategy_name
 LIMIT $2
