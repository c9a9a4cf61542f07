-- Find the ids of the first runs of an order, or of all, by sorting all that meet the conditions.
-- For what ranked_ids_near_top did not find, and for @starred, @batch and `delete`, which want all.
-- OFFSET 0 has all of them found before they are put in order: PostgreSQL would otherwise go through
-- an index of the order in the hope that they come early, which is slow where they come late.
-- $1 limit  at most this many runs; NULL is all
SELECT r.run_id
  FROM (
        SELECT r.run_id, r.started_at, r.started_at /* field */ AS rank
          FROM backtest_runs AS r
          LEFT JOIN performance_metrics AS m USING (run_id)
          LEFT JOIN periods AS p USING (run_id)
          LEFT JOIN annotations AS a USING (run_id)
         WHERE true /* filters */
        OFFSET 0
       ) AS r
 ORDER BY r.rank DESC /* direction */, r.started_at DESC, r.run_id DESC
 LIMIT $1
