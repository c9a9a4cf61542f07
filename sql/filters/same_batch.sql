-- Runs of one grid.
-- $1 batch_id
ARRAY[r.batch_id] @> ARRAY[$1::uuid]
