-- The first runs of an instrument: a walk along the one index that has this order. That nothing of
-- this kind ever ran on it is known from one look into another, before any walk.
-- $1 within      at most this many
-- $2 instrument
SELECT r.*
  FROM (
        SELECT r.run_id
          FROM run_instruments AS r
         WHERE r.instrument_id = ANY (ARRAY[$2])
               AND (SELECT true
                      FROM run_instruments AS r
                     WHERE r.instrument_id = ANY (ARRAY[$2]) AND true /* kind */
                     ORDER BY r.instrument_id, r.strategy_type, r.strategy_name
                     LIMIT 1)
               AND true /* filters */
         ORDER BY r.instrument_id DESC, r.started_at /* field */ DESC /* direction */, r.started_at DESC,
               r.run_id DESC
         LIMIT $1
       ) AS listed
  JOIN backtest_runs AS r USING (run_id)
