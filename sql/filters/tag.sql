-- Runs with a tag.
-- $1 tags  the one, in an array
SELECT r.run_id FROM backtest_runs AS r LEFT JOIN annotations AS a USING (run_id)
 WHERE a.tags @> $1
