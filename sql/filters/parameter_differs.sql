-- Runs with a parameter that has another value.
-- $1 path
-- $2 value
SELECT r.run_id FROM backtest_runs AS r
 WHERE (r.parameters #> $1) <> $2
