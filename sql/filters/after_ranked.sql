-- Runs that come after one, ranked by a field with the highest first.
-- $1 value
-- $2 started_at
-- $3 run_id
(m.sharpe_ratio /* field */, r.started_at, r.run_id) < ($1, $2::timestamptz, $3::uuid)
