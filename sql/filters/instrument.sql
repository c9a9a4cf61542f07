-- Runs with an instrument, alone or among others.
-- $1 instrument
r.instrument_ids @> ARRAY[$1::text]
