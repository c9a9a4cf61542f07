-- Runs with a value in a document that is true, or neither null, zero nor empty.
-- $1 path
(r.parameters /* field */ #> $1::text[]) <> ALL ('{"null",false,0,"\"\"",[],"{}"}'::jsonb[])
