-- Runs on the same instruments over the same time.
-- $1 instrument_ids
-- $2 start_date
-- $3 end_date
r.instrument_ids = $1::text[]
AND r.start_date IS NOT DISTINCT FROM $2::timestamptz
AND r.end_date IS NOT DISTINCT FROM $3::timestamptz
