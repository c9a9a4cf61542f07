-- Find the ids of runs by the beginnings of their ids, each a range from the least to the greatest id.
-- More than one run in a range means that what was typed is ambiguous.
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
