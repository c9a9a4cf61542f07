-- Sum up groups of runs: how many there are and failed, how well the successful did by a metric.
-- Reproductions are counted apart.
-- A median is the mean of the two in the middle, which percentile_cont would not know of two infinities.
-- Each group's values are gathered and then sorted: otherwise all runs would be, by their groups.
SELECT r.strategy_name /* keys */,
       count(*) FILTER (WHERE r.reproduced_from IS NULL) AS runs,
       count(*) FILTER (WHERE r.status = 'failed' AND r.reproduced_from IS NULL) AS failures,
       count(r.reproduced_from) AS reproductions,
       max(r.sharpe_ratio /* field */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS best,
       (SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY value) + percentile_disc(0.5) WITHIN GROUP (ORDER BY value DESC)) / 2
          FROM unnest(array_agg(r.sharpe_ratio /* field */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL)) AS value) AS median,
       min(r.sharpe_ratio /* field */) FILTER (WHERE r.status = 'success' AND r.reproduced_from IS NULL) AS worst,
       max(r.started_at) AS last_run
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN periods AS p USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE true /* filters */
 GROUP BY r.strategy_name /* groups */
