-- Runs that come after one, ranked by a field with the lowest first and the newest of equals first.
-- $1 value
-- $2 started_at
-- $3 run_id
m.sharpe_ratio /* field */ >= $1
AND (m.sharpe_ratio /* field */ > $1 OR (r.started_at, r.run_id) < ($2::timestamptz, $3::uuid))
