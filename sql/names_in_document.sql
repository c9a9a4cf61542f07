-- List the names that the newest runs have in a place of a document.
-- $1 path    the place; empty for the document itself
-- $2 newest  how many runs are looked at
SELECT DISTINCT name
  FROM (SELECT r.* FROM backtest_runs AS r ORDER BY r.started_at DESC, r.run_id DESC LIMIT $2) AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
 CROSS JOIN LATERAL (SELECT r.parameters /* field */ #> $1::text[] AS place) AS d,
       jsonb_object_keys(CASE jsonb_typeof(place) WHEN 'object' THEN place END) AS name
 ORDER BY name
