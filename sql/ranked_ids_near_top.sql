-- Find the ids of the first runs of an order that meet conditions, among so many at its top.
-- Every list, @latest and @best ask this first: an index has the runs in that order, and those further
-- down are not looked at. Where too few are found so, ranked_ids_of_all looks at all.
-- $1 limit   at most this many runs
-- $2 within  how many are looked at
SELECT r.run_id
  FROM (
        SELECT r.*
          FROM backtest_runs AS r
         WHERE true /* start */
         ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
         LIMIT $2
       ) AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
