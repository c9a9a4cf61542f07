-- Runs of a strategy, from the indexes that have them in order.
-- $1 name
r.strategy_name = $1
