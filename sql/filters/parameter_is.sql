-- Runs with a parameter that is a certain text, number, truth or null.
-- $1 containing  an object that has the value in that place
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.parameters @> $1
