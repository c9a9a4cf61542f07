-- All runs that meet conditions, some of which are about metrics that only the other table has.
-- A join that nothing needs is dropped by PostgreSQL, but it keeps indexes from being read alone.
SELECT r.*
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
