-- Runs that have a parameter, be it null.
-- $1 path
r.parameters #> $1::text[] IS NOT NULL
