-- Runs with a number in a document, be it a decimal in text, that is more or less than another, or equals it.
-- $1 path
-- $2 number
CASE
    WHEN jsonb_typeof(r.parameters /* field */ #> $1::text[]) = 'number'
         OR jsonb_typeof(r.parameters /* field */ #> $1::text[]) = 'string'
            AND r.parameters /* field */ #>> $1::text[] ~ '^-?(0|[1-9]\d*)(\.\d+)?$'
    THEN (r.parameters /* field */ #>> $1::text[])::numeric
END > /* operator */ $2::numeric
