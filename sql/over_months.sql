-- Recompute what runs did over some whole months that they cover, the best first.
-- A run of fewer than 13 months has its days in place of months. The three figures are computed for
-- every run that covers the months if they rank them, and else for those that are listed.
-- $1 first  the first month, by its first day
-- $2 until  the first day after the last month
-- $3 by     total_return, sharpe_ratio or max_drawdown ranks; else the newest come first
-- $4 limit  at most this many runs
WITH listed AS (
    SELECT r.run_id, r.started_at,
           CASE $3::text
           WHEN 'total_return' THEN compounded(m.period_returns[place.low:place.high])
           WHEN 'sharpe_ratio' THEN annual_sharpe_ratio(
                CASE m.period WHEN 'day' THEN m.period_returns[place.low:place.high] END,
                m.period_counts[place.low:place.high],
                m.period_means[place.low:place.high], m.period_deviations[place.low:place.high],
                m.periods_per_year)
           WHEN 'max_drawdown' THEN deepest_fall(m.period_returns[place.low:place.high])
           END AS rank
      FROM backtest_runs AS r
      JOIN performance_metrics AS m USING (run_id)
      LEFT JOIN annotations AS a USING (run_id)
     CROSS JOIN LATERAL (
            SELECT greatest(periods_between(m.period, m.period_start, $1::date), 0) + 1 AS low,
                   periods_between(m.period, m.period_start, $2::date) AS high
           ) AS place
     WHERE m.period_start < $1::date + interval '1 month'
       AND cardinality(m.period_returns)
           > periods_between(m.period, m.period_start, ($2::date - interval '1 month')::date)
       AND r.reproduced_from IS NULL
       AND true /* filters */
     ORDER BY rank DESC NULLS LAST, r.started_at DESC, r.run_id DESC
     LIMIT $4
)
SELECT listed.run_id,
       compounded(m.period_returns[place.low:place.high]) AS total_return,
       annual_sharpe_ratio(
           m.period_returns[place.low:place.high], m.period_counts[place.low:place.high],
           m.period_means[place.low:place.high], m.period_deviations[place.low:place.high],
           m.periods_per_year) AS sharpe_ratio,
       deepest_fall(m.period_returns[place.low:place.high]) AS max_drawdown
  FROM listed
  JOIN performance_metrics AS m USING (run_id)
 CROSS JOIN LATERAL (
        SELECT greatest(periods_between(m.period, m.period_start, $1::date), 0) + 1 AS low,
               periods_between(m.period, m.period_start, $2::date) AS high
       ) AS place
 ORDER BY listed.rank DESC NULLS LAST, listed.started_at DESC, listed.run_id DESC
