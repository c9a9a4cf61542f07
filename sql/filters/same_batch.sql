-- Runs of one grid.
-- $1 batch_id
r.batch_id = $1
