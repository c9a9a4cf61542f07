-- Runs that began at a time or later.
-- $1 time
r.started_at >= $1
