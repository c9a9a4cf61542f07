-- Runs with a tag.
-- $1 tags  the one, in an array
a.tags @> $1::text[]
