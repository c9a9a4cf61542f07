-- Fetch whole runs by id, in the order in which the ids are given.
-- $1 run_ids
SELECT m.*, r.*, coalesce(a.tags, '{}') AS tags, a.note, coalesce(a.starred, false) AS starred, a.name
  FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (run_id, position)
  JOIN backtest_runs AS r USING (run_id)
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 ORDER BY wanted.position
