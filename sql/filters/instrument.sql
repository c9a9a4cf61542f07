-- Runs with an instrument, alone or among others.
-- $1 instrument
SELECT r.run_id FROM backtest_runs AS r
 WHERE r.run_id IN (SELECT i.run_id FROM run_instruments AS i WHERE i.instrument_id = $1)
