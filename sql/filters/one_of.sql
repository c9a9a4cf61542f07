-- Runs that are some of those.
-- $1 run_ids
r.run_id = ANY ($1::uuid[])
