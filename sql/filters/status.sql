-- Runs that ended in a certain way.
-- $1 status
r.status = $1
