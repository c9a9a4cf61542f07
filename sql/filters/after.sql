-- Runs that come after one, newest first.
-- $1 started_at
-- $2 run_id
(r.started_at, r.run_id) < ($1::timestamptz, $2::uuid)
