-- Runs that have some labels: the names of their instruments, their type and their strategy.
-- For the index of labels; the conditions beside it are exact.
-- $1 labels
r.instrument_ids || r.strategy_type || r.strategy_name @> $1::text[]
