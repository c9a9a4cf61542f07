-- Runs with a parameter that has another value.
-- $1 path
-- $2 value
(r.parameters #> $1::text[]) <> $2::jsonb
