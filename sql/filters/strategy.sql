-- Runs of a strategy; the hash is tested inside indexes.
-- $1 name
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.strategy_name = ANY (ARRAY[$1]) AND hashtext(r.strategy_name) = hashtext($1)
