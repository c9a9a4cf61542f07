-- Runs of strategies of a type.
-- $1 type
r.strategy_type = $1
