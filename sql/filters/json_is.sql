-- Runs with a value in a document that is a certain one.
-- $1 path
-- $2 value
(r.parameters /* field */ #> $1::text[]) = $2::jsonb
