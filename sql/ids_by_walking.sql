-- Find the ids of a page of runs among so many that come first in an order.
-- An index has them in that order, so that those after them are not looked at. This is tried first;
-- where it finds too few, ids_by_sorting looks at all.
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
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 ORDER BY r.started_at /* field */ DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
