-- Runs with a text in a document that comes before or after another, or equals it.
-- $1 path
-- $2 text
jsonb_typeof(r.parameters /* field */ #> $1::text[]) = 'string'
AND (r.parameters /* field */ #>> $1::text[]) COLLATE "C" > /* operator */ $2::text
