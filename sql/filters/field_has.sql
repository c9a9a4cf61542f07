-- Runs with a list that has a text in it.
-- $1 text
$1::text = ANY (r.instrument_ids /* field */)
