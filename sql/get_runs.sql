-- Fetch runs whose ids are known, in the order of the ids.
-- The other half of every page: the ids are found first, by ranked_ids_near_top and ranked_ids_of_all.
-- $1 run_ids
SELECT r.* /* fields */
  FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (run_id, position)
  JOIN backtest_runs AS r USING (run_id)
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 ORDER BY wanted.position
