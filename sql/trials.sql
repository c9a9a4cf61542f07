-- Count the trials of a scope, and measure how far apart their Sharpe ratios lie (not annualised).
-- A trial is a configuration that ran to its end by one state of its code, however often it ran;
-- reproductions are none, and a run whose configuration has no hash is one of its own. Deleted ones
-- were trials, too. All are counted, but the Sharpe ratios are those of the newest runs alone.
-- NOT MATERIALIZED and UNION ALL, so that several processes count.
-- $1 strategy_name   of this strategy; NULL for any
-- $2 instrument_ids  on these instruments alone; NULL for any
-- $3 start_date      from the first market data on; NULL for any
-- $4 end_date        up to the last market data; NULL for any
-- $5 batch_id        of this grid; NULL for any
-- $6 newest          how many runs' Sharpe ratios are read at most, deleted ones aside
WITH run AS NOT MATERIALIZED (
    SELECT coalesce(r.config_hash || coalesce(r.code_hash, ''), r.run_id::text) AS configuration,
           r.run_id, r.started_at
      FROM backtest_runs AS r
     WHERE r.status = 'success'
       AND r.reproduced_from IS NULL
       AND ($1::text IS NULL OR r.strategy_name = $1)
       AND ($2::text[] IS NULL OR r.instrument_ids = $2)
       AND ($3::timestamptz IS NULL OR r.start_date = $3)
       AND ($4::timestamptz IS NULL OR r.end_date = $4)
       AND ($5::uuid IS NULL OR ARRAY[r.batch_id] @> ARRAY[$5])
), deleted AS NOT MATERIALIZED (
    SELECT coalesce(d.config_hash || coalesce(d.code_hash, ''), d.run_id::text) AS configuration,
           d.daily_sharpe_ratio
      FROM deleted_trials AS d
     WHERE ($1::text IS NULL OR d.strategy_name = $1)
       AND ($2::text[] IS NULL OR d.instrument_ids = $2)
       AND ($3::timestamptz IS NULL OR d.start_date = $3)
       AND ($4::timestamptz IS NULL OR d.end_date = $4)
       AND ($5::uuid IS NULL OR d.batch_id = $5)
), newest AS (
    SELECT configuration, run_id FROM run ORDER BY started_at DESC LIMIT $6
), measured AS (
    SELECT avg(daily_sharpe_ratio) AS daily_sharpe_ratio
      FROM (
          SELECT configuration, m.sharpe_ratio / sqrt(m.periods_per_year)
            FROM newest JOIN performance_metrics AS m USING (run_id)
          UNION ALL
          SELECT configuration, daily_sharpe_ratio FROM deleted
      ) AS ratios (configuration, daily_sharpe_ratio)
     GROUP BY configuration
), counted AS (
    SELECT DISTINCT configuration
      FROM (SELECT configuration FROM run UNION ALL SELECT configuration FROM deleted) AS trial
)
SELECT (SELECT count(*) FROM counted) AS trials,
       (SELECT stddev_samp(daily_sharpe_ratio) FROM measured) AS deviation
