-- Runs with an exact number that is more or less than another, or equals it.
-- $1 number
m.total_trades /* field */ > /* operator */ $1::numeric
