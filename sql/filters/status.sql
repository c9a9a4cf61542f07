-- Runs that ended in a certain way; the hash is tested inside indexes.
-- $1 status
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.status = $1 AND hashtext(r.status) = hashtext($1)
