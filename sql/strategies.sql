-- Sum up each strategy: how often it ran and failed, how well the successful did, when it ran last.
SELECT r.strategy_name,
       count(*) AS runs,
       count(*) FILTER (WHERE r.status = 'failed') AS failures,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS median_sharpe_ratio,
       max(r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS best_sharpe_ratio,
       max(r.started_at) AS last_run
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 GROUP BY r.strategy_name
 ORDER BY last_run DESC, r.strategy_name
