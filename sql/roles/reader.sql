-- A role that reads runs and changes nothing. Grant it to people: GRANT btstore_reader TO someone.
CREATE ROLE btstore_reader NOLOGIN;
GRANT SELECT ON backtest_runs, performance_metrics, run_instruments, deleted_trials, _yoyo_migration TO btstore_reader;
