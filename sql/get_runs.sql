-- Fetch runs by id, with what is said of them and their metrics, in the order of the ids.
-- $1 run_ids
SELECT r.* /* fields */
  FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (run_id, position)
  JOIN backtest_runs AS r USING (run_id)
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 ORDER BY wanted.position
