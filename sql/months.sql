-- List the months of successful originals, the newest run first.
-- Numbers in single precision are read as the decimals that PostgreSQL writes of them.
-- $1 limit  at most this many runs
SELECT r.run_id, r.status, r.started_at, r.strategy_name, r.config_hash, r.code_hash, r.parameters,
       r.sharpe_ratio, p.periods_per_year, p.period, p.period_start, p.period_counts,
       p.period_returns::text::float8[] AS period_returns,
       p.period_means::text::float8[] AS period_means,
       p.period_deviations::text::float8[] AS period_deviations
  FROM backtest_runs AS r
  JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE r.status = 'success'
   AND r.reproduced_from IS NULL
   AND true /* filters */
 ORDER BY r.started_at DESC, r.run_id DESC
 LIMIT $1
