-- Recompute what runs did over some whole months that they cover, the best first.
-- Sums over months are sums over days. A run of fewer than 13 months has its days in place of months.
-- $1 first  the first month, by its first day
-- $2 last   the last month, by its first day
-- $3 by     total_return, sharpe_ratio or max_drawdown ranks; else the newest come first
-- $4 limit  at most this many runs
SELECT r.run_id,
       exp(w.log_return) - 1 AS total_return,
       CASE WHEN w.days > 1 AND w.squares - w.days * w.mean ^ 2 > 1e-14 * w.squares
            THEN w.mean / sqrt((w.squares - w.days * w.mean ^ 2) / (w.days - 1)) * sqrt(m.periods_per_year)
            END AS sharpe_ratio,
       exp(w.log_fall) - 1 AS max_drawdown
  FROM backtest_runs AS r
  JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 CROSS JOIN LATERAL (
        SELECT CASE m.period WHEN 'day' THEN greatest($1::date - m.period_start, 0)
                    ELSE 12 * (extract(year FROM $1) - extract(year FROM m.period_start))
                         + extract(month FROM $1) - extract(month FROM m.period_start) END::int AS low,
               CASE m.period WHEN 'day' THEN ($2::date + interval '1 month')::date - m.period_start - 1
                    ELSE 12 * (extract(year FROM $2::date) - extract(year FROM m.period_start))
                         + extract(month FROM $2::date) - extract(month FROM m.period_start) END::int AS high,
               cardinality(m.period_returns) AS size,
               date_trunc('month', m.period_start) <= $1
               AND date_trunc('month', m.period_start + (cardinality(m.period_returns) - 1)
                   * CASE m.period WHEN 'day' THEN interval '1 day' ELSE interval '1 month' END) >= $2 AS covers
       ) AS place
 CROSS JOIN LATERAL (
        SELECT sum(days) AS days, sum(days * mean) / nullif(sum(days), 0) AS mean,
               sum(days * (deviation ^ 2 + mean ^ 2)) AS squares, max(level) FILTER (WHERE is_last) AS log_return,
               min(level - peak) AS log_fall
          FROM (
                SELECT *, greatest(0, max(level) OVER (ORDER BY n)) AS peak, n = max(n) OVER () AS is_last
                  FROM (
                        SELECT n, coalesce(days, (total IS NOT NULL)::int) AS days,
                               coalesce(mean, total, 0)::float8 AS mean, coalesce(deviation, 0)::float8 AS deviation,
                               sum(ln(1 + coalesce(total, 0)::float8)) OVER (ORDER BY n) AS level
                          FROM unnest(m.period_returns[low + 1:high + 1], m.period_counts[low + 1:high + 1],
                                      m.period_means[low + 1:high + 1], m.period_deviations[low + 1:high + 1])
                               WITH ORDINALITY AS t (total, days, mean, deviation, n)
                       ) AS levels
               ) AS falls
       ) AS w
 WHERE place.covers
   AND r.reproduced_from IS NULL
   AND true /* filters */
 ORDER BY CASE $3::text
               WHEN 'total_return' THEN w.log_return
               WHEN 'sharpe_ratio' THEN
                    CASE WHEN w.days > 1 AND w.squares - w.days * w.mean ^ 2 > 1e-14 * w.squares
                         THEN w.mean / sqrt((w.squares - w.days * w.mean ^ 2) / (w.days - 1)) * sqrt(m.periods_per_year) END
               WHEN 'max_drawdown' THEN w.log_fall
               END DESC NULLS LAST, r.started_at DESC, r.run_id DESC
 LIMIT $4
