-- Sum up groups of runs: how many there are and failed, how well the successful did by two metrics.
-- Reproductions are counted apart.
-- A median is the mean of the two in the middle, which percentile_cont would not know of two infinities.
SELECT r.strategy_name /* keys */,
       count(*) FILTER (WHERE r.reproduced_from IS NULL) AS runs,
       count(*) FILTER (WHERE r.status = 'failed' AND r.reproduced_from IS NULL) AS failures,
       count(r.reproduced_from) AS reproductions,
       max(r.sharpe_ratio /* first */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS first_best,
       (percentile_disc(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio /* first */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL)
        + percentile_disc(0.5) WITHIN GROUP (ORDER BY r.sharpe_ratio /* first */ DESC) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL)) / 2 AS first_median,
       min(r.sharpe_ratio /* first */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS first_worst,
       max(r.total_return /* second */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS second_best,
       (percentile_disc(0.5) WITHIN GROUP (ORDER BY r.total_return /* second */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL)
        + percentile_disc(0.5) WITHIN GROUP (ORDER BY r.total_return /* second */ DESC) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL)) / 2 AS second_median,
       min(r.total_return /* second */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS second_worst,
       max(r.started_at) AS last_run
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 GROUP BY r.strategy_name /* groups */
