-- List the names of the parameters that the newest runs have.
-- $1 newest  how many runs are looked at
SELECT DISTINCT name
  FROM (
        SELECT r.parameters FROM backtest_runs AS r ORDER BY r.started_at DESC, r.run_id DESC LIMIT $1
       ) AS newest, jsonb_object_keys(newest.parameters) AS name
 ORDER BY name
