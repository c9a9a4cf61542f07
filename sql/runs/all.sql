-- All runs that meet conditions.
SELECT r.*
  FROM backtest_runs AS r
 WHERE true /* filters */
