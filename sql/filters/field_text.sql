-- Runs with a text that comes before or after another, character by character.
-- $1 text
r.strategy_name /* field */ COLLATE "C" > /* operator */ $1::text
