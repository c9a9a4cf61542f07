-- Runs of strategies of a type; the hash is tested inside indexes.
-- $1 type
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.strategy_type = ANY (ARRAY[$1]) AND hashtext(r.strategy_type) = hashtext($1)
