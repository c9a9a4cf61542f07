-- Runs of a strategy.
-- $1 name
r.strategy_name = $1
