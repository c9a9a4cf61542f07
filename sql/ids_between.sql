-- Find the ids of runs that lie in ranges.
-- A range is what a person typed of an id; more than one run in it means that it is ambiguous.
-- $1 lows   the least id of each range
-- $2 highs  the greatest id of each range
-- $3 limit  at most this many runs of each range
SELECT wanted.position, found.run_id
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted (low, high, position)
 CROSS JOIN LATERAL (
        SELECT r.run_id
          FROM backtest_runs AS r
         WHERE r.run_id BETWEEN wanted.low AND wanted.high
         ORDER BY r.run_id
         LIMIT $3
       ) AS found
 ORDER BY wanted.position, found.run_id
