-- Runs with a tag.
-- $1 tags  the one, in an array
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.tags @> $1
