-- Runs with a parameter that equals an object or array, or is in an array; the first condition is
-- for the index, the second is exact.
-- $1 containing  an object that has the value in that place
-- $2 path
-- $3 value
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.parameters @> $1 AND (r.parameters #> $2) = $3
