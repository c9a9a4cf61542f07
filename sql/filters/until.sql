-- Runs that began before a time.
-- $1 time
r.started_at < $1
