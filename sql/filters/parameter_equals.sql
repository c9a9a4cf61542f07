-- Runs with a parameter that equals an object or array, or is in an array.
-- The first condition is for the index, the second is exact.
-- $1 containing  an object that has the value in that place
-- $2 path
-- $3 value
r.parameters @> $1::jsonb AND (r.parameters #> $2::text[]) = $3::jsonb
