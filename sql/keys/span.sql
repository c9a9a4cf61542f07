-- What runs are grouped by: the day, week or month in which they began.
-- $1 span
date_trunc($1::text, r.started_at, 'UTC')::date
