-- Sum up runs period by period, oldest first: how many, and how well those did that succeeded.
-- $1 period  day, week or month
SELECT date_trunc($1, r.started_at, 'UTC')::date AS period,
       count(*) AS runs,
       max(r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS best_sharpe_ratio,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS median_sharpe_ratio,
       min(r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS worst_sharpe_ratio,
       max(r.total_return) FILTER (WHERE r.status = 'success') AS best_total_return,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.total_return) FILTER (WHERE r.status = 'success') AS median_total_return,
       min(r.total_return) FILTER (WHERE r.status = 'success') AS worst_total_return
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 GROUP BY 1
 ORDER BY 1
