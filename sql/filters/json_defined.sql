-- Runs with a value in a document that is not null.
-- $1 path
(r.parameters /* field */ #> $1::text[]) <> 'null'
