-- What runs are grouped by: a value in a document; null is the same as none.
-- $1 path
nullif(r.parameters /* field */ #> $1::text[], 'null')
