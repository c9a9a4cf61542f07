-- Runs with a parameter that is more or less than a value of the same JSON type.
-- $1 path
-- $2 value
(r.parameters #> $1::text[]) > /* operator */ $2::jsonb
AND jsonb_typeof(r.parameters #> $1::text[]) = jsonb_typeof($2::jsonb)
