-- What runs are grouped by: a value in a document.
-- $1 path
r.parameters /* field */ #> $1::text[]
