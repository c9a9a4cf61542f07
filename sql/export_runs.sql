-- Stream all runs that meet conditions as JSON, the newest first.
-- For `export` to JSON Lines, which has every field of a run: PostgreSQL writes it, an object a row.
SELECT to_json(run)
  FROM (
        SELECT r.* /* fields */
          FROM backtest_runs AS r
          LEFT JOIN performance_metrics AS m USING (run_id)
          LEFT JOIN periods AS p USING (run_id)
          LEFT JOIN annotations AS a USING (run_id)
         WHERE true /* filters */
         ORDER BY r.started_at DESC, r.run_id DESC
       ) AS run
