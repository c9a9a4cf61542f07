-- Delete runs with their metrics, and return the ids of those that were there.
-- $1 run_ids
DELETE FROM backtest_runs WHERE run_id = ANY ($1::uuid[]) RETURNING run_id
