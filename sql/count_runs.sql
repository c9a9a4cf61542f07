-- Count the runs that meet conditions, at most so many.
-- $1 limit
SELECT count(*) AS runs
  FROM (
        SELECT r.run_id
          FROM backtest_runs AS r
          LEFT JOIN performance_metrics AS m USING (run_id)
          LEFT JOIN periods AS p USING (run_id)
          LEFT JOIN annotations AS a USING (run_id)
         WHERE true /* filters */
         LIMIT $1
       ) AS found
