-- Recompute what runs did over some whole months that they cover, the best first.
-- A run of fewer than 13 months has its days in place of months. The three figures are computed for
-- every run that covers the months if they rank them, and else for those that are listed.
-- $1 first  the first month, by its first day
-- $2 until  the first day after the last month
-- $3 by     total_return, sharpe_ratio or max_drawdown ranks; else the newest come first
-- $4 limit  at most this many runs
WITH covering AS (
    SELECT r.run_id, r.started_at, p.periods_per_year,
           p.period_returns[place.low:place.high] AS returns,
           p.period_counts[place.low:place.high] AS counts,
           p.period_means[place.low:place.high] AS means,
           p.period_deviations[place.low:place.high] AS deviations
      FROM backtest_runs AS r
      JOIN periods AS p USING (run_id)
      LEFT JOIN performance_metrics AS m USING (run_id)
      LEFT JOIN annotations AS a USING (run_id)
     CROSS JOIN LATERAL (
            SELECT greatest(periods_between(p.period, p.period_start, $1::date), 0) + 1 AS low,
                   periods_between(p.period, p.period_start, $2::date) AS high
           ) AS place
     WHERE p.period_start < $1::date + interval '1 month'
       AND cardinality(p.period_returns)
           > periods_between(p.period, p.period_start, ($2::date - interval '1 month')::date)
       AND r.reproduced_from IS NULL
       AND true /* filters */
), listed AS (
    SELECT *,
           CASE $3::text
           WHEN 'total_return' THEN compounded(returns)
           WHEN 'sharpe_ratio' THEN (
                SELECT ratio
                  FROM annual_sharpe_ratio(returns, counts, means, deviations, periods_per_year) AS ratio
           )
           WHEN 'max_drawdown' THEN deepest_fall(returns)
           END AS rank
      FROM covering
     ORDER BY rank DESC NULLS LAST, started_at DESC, run_id DESC
     LIMIT $4
)
SELECT run_id,
       compounded(returns) AS total_return,
       (SELECT ratio FROM annual_sharpe_ratio(returns, counts, means, deviations, periods_per_year) AS ratio)
           AS sharpe_ratio,
       deepest_fall(returns) AS max_drawdown
  FROM listed
 ORDER BY rank DESC NULLS LAST, started_at DESC, run_id DESC
