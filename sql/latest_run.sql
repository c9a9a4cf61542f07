-- Find the id of the newest run, or of the one that so many are newer than.
-- $1 newer  how many are newer
SELECT run_id FROM backtest_runs ORDER BY started_at DESC, run_id DESC LIMIT 1 OFFSET $1
