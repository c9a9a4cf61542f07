-- Does one of the newest runs have a place in a document?
-- $1 path    the place
-- $2 newest  how many runs are looked at
SELECT EXISTS (
    SELECT
      FROM (SELECT r.* FROM backtest_runs AS r ORDER BY r.started_at DESC, r.run_id DESC LIMIT $2) AS r
      LEFT JOIN performance_metrics AS m USING (run_id)
     WHERE (r.parameters /* field */ #> $1::text[]) IS NOT NULL
) AS found
