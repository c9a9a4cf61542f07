-- List what one or two inputs of runs were, as JSON, beside a metric; successful originals that have it.
-- $1 first   path of a parameter
-- $2 second  path of another; NULL for none
SELECT (r.parameters #> $1::text[])::text AS first,
       (r.parameters #> $2::text[])::text AS second,
       (m.sharpe_ratio /* field */)::float8 AS value
  FROM backtest_runs AS r
  JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE r.status = 'success'
   AND r.reproduced_from IS NULL
   AND m.sharpe_ratio /* field */ IS NOT NULL
   AND true /* filters */
