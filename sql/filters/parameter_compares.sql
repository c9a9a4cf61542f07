-- Runs with a parameter that is more or less than a value of the same JSON type.
-- $1 path
-- $2 value
SELECT r.run_id FROM backtest_runs AS r
 WHERE (r.parameters #> $1) > /* operator */ $2
       AND jsonb_typeof(r.parameters #> $1) = jsonb_typeof($2)
