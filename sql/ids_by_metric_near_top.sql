-- Find the ids of the first runs by a metric that no index has, among so many that are best by it.
-- All metrics are read, but only these runs. Where too few of them are found so, ids_by_metric looks at all.
-- Those that equal the last are left out: there may be more like it, and which come first is not known.
-- $1 limit   at most this many runs
-- $2 within  how many are looked at
SELECT r.run_id
  FROM (
        SELECT run_id, value,
               last_value(value) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last
          FROM (
                SELECT m.run_id, m.cagr /* field */ AS value
                  FROM performance_metrics AS m
                 ORDER BY m.cagr /* field */ DESC /* direction */
                 LIMIT $2
               ) AS best
       ) AS near
  JOIN backtest_runs AS r USING (run_id)
  JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE near.value IS DISTINCT FROM near.last
   AND true /* filters */
 ORDER BY m.cagr /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
