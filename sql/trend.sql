-- Sum up runs period by period, oldest first: how many, and how well the best, median and worst did.
-- $1 period  day, week or month
SELECT date_trunc($1, r.started_at, 'UTC')::date AS period,
       count(*) AS runs,
       max(r.sharpe_ratio) AS best_sharpe_ratio,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio) AS median_sharpe_ratio,
       min(r.sharpe_ratio) AS worst_sharpe_ratio,
       max(r.total_return) AS best_total_return,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.total_return) AS median_total_return,
       min(r.total_return) AS worst_total_return
  FROM backtest_runs /* runs */ AS r
 GROUP BY period
 ORDER BY period
