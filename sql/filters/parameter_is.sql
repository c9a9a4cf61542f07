-- Runs with a parameter that is a certain text, number, truth or null.
-- $1 containing  an object that has the value in that place
r.parameters @> $1::jsonb
