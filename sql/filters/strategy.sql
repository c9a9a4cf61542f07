-- Runs of a strategy.
-- $1 name
ARRAY[r.strategy_name] @> ARRAY[$1::text]
