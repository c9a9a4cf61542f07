-- Runs with a text in a document that has another in it, whether in capitals or not, or a list that has it.
-- $1 path
-- $2 text
CASE jsonb_typeof(r.parameters /* field */ #> $1::text[])
    WHEN 'string' THEN strpos(lower(r.parameters /* field */ #>> $1::text[]), lower($2::text)) > 0
    WHEN 'array' THEN (r.parameters /* field */ #> $1::text[]) ? $2::text
END
