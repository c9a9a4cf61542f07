-- The first runs of an instrument: a walk along the index of runs that have it first, second or
-- third, merged, and the rare runs that have it further down, which are found first and then put
-- in order. No index has in an order the runs whose array has a value. That nothing of this kind
-- ever ran on the instrument is known before any walk.
-- $1 within       at most this many
-- $2 instruments  the one, in an array
SELECT r.*
  FROM (
    (SELECT r.*
       FROM backtest_runs AS r
      WHERE r.instrument_ids[1] = ANY ($2)
            AND (SELECT true
                   FROM backtest_runs AS r
                  WHERE r.instrument_ids[1] = ANY ($2) AND true /* kind */
                  ORDER BY r.instrument_ids[1], r.strategy_type, r.strategy_name
                  LIMIT 1)
            AND true /* filters */
      ORDER BY r.instrument_ids[1] DESC, r.started_at /* field */ DESC, r.started_at DESC, r.run_id DESC
      LIMIT $1)
     UNION ALL
    (SELECT r.*
       FROM backtest_runs AS r
      WHERE r.instrument_ids[2] = ANY ($2) AND NOT r.instrument_ids[:1] @> $2
            AND (SELECT true
                   FROM backtest_runs AS r
                  WHERE r.instrument_ids[2] = ANY ($2) AND true /* kind */
                  ORDER BY r.instrument_ids[2], r.strategy_type, r.strategy_name
                  LIMIT 1)
            AND true /* filters */
      ORDER BY r.instrument_ids[2] DESC, r.started_at /* field */ DESC, r.started_at DESC, r.run_id DESC
      LIMIT $1)
     UNION ALL
    (SELECT r.*
       FROM backtest_runs AS r
      WHERE r.instrument_ids[3] = ANY ($2) AND NOT r.instrument_ids[:2] @> $2
            AND (SELECT true
                   FROM backtest_runs AS r
                  WHERE r.instrument_ids[3] = ANY ($2) AND true /* kind */
                  ORDER BY r.instrument_ids[3], r.strategy_type, r.strategy_name
                  LIMIT 1)
            AND true /* filters */
      ORDER BY r.instrument_ids[3] DESC, r.started_at /* field */ DESC, r.started_at DESC, r.run_id DESC
      LIMIT $1)
     UNION ALL
    (SELECT r.*
       FROM (
            SELECT r.*
              FROM backtest_runs AS r
             WHERE r.instrument_ids @> $2 AND cardinality(r.instrument_ids) > 3
                   AND NOT r.instrument_ids[:3] @> $2
                   AND true /* filters */
            OFFSET 0
            ) AS r
      ORDER BY r.started_at /* field */ DESC, r.started_at DESC, r.run_id DESC
      LIMIT $1)
       ) AS r
