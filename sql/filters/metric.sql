-- Runs with a metric that is more or less than a value, or equals it.
-- $1 value
m.sharpe_ratio /* field */ > /* operator */ $1
