-- Runs whose note has words, as a web search has it: or, -without, "one after the other".
-- $1 words
to_tsvector('simple', left(a.note, 100000)) @@ websearch_to_tsquery('simple', $1)
