-- Sum up groups of runs: how many there are and failed, and each one's metric that succeeded.
-- Reproductions are counted apart.
SELECT r.strategy_name /* keys */,
       count(*) FILTER (WHERE r.reproduced_from IS NULL) AS runs,
       count(*) FILTER (WHERE r.status = 'failed' AND r.reproduced_from IS NULL) AS failures,
       count(r.reproduced_from) AS reproductions,
       max(r.started_at) AS last_run,
       -- No median here: it takes a query of its own for each group, or a sort of all runs.
       array_agg(r.sharpe_ratio /* field */) FILTER (
            WHERE r.sharpe_ratio /* field */ IS NOT NULL AND r.status = 'success' AND r.reproduced_from IS NULL
       ) AS figures
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 GROUP BY r.strategy_name /* groups */
