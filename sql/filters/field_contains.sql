-- Runs with a text that has another in it, whether in capitals or not.
-- $1 text
strpos(lower(r.strategy_name /* field */), lower($1::text)) > 0
