-- Sum up each strategy: how often it ran and failed, how well the successful did, when it ran last.
-- Failures are counted apart: all else is in one index, and failures, which are few, in another.
WITH failed AS (
    SELECT r.strategy_name, count(*) AS failures
      FROM backtest_runs /* runs */ AS r
     WHERE r.status = 'failed'
     GROUP BY r.strategy_name
), summed AS (
    SELECT r.strategy_name,
           count(*) AS runs,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS median_sharpe_ratio,
           max(r.sharpe_ratio) FILTER (WHERE r.status = 'success') AS best_sharpe_ratio,
           max(r.started_at) AS last_run
      FROM backtest_runs /* runs */ AS r
     GROUP BY r.strategy_name
)
SELECT strategy_name,
       runs,
       coalesce(failures, 0) AS failures,
       median_sharpe_ratio,
       best_sharpe_ratio,
       last_run
  FROM summed
  LEFT JOIN failed USING (strategy_name)
 ORDER BY last_run DESC, strategy_name
