-- Runs with an instrument, alone or among others.
-- $1 instruments  the one, in an array
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.instrument_ids @> $1
