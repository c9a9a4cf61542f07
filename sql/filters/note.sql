-- Runs whose note has words, as a web search has it: or, -without, "one after the other".
-- $1 words
SELECT r.run_id FROM backtest_runs AS r LEFT JOIN annotations AS a USING (run_id)
 WHERE to_tsvector('simple', left(a.note, 100000)) @@ websearch_to_tsquery('simple', $1)
