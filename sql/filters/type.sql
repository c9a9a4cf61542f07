-- Runs of strategies of a type.
-- $1 type
ARRAY[r.strategy_type] @> ARRAY[$1::text]
