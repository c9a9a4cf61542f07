-- A role that saves, reads and deletes runs, and can neither change one nor alter a table.
CREATE ROLE btstore_writer NOLOGIN;
GRANT SELECT, INSERT, DELETE ON backtest_runs, performance_metrics TO btstore_writer;
GRANT SELECT, INSERT ON run_instruments, deleted_trials TO btstore_writer;
GRANT SELECT ON _yoyo_migration TO btstore_writer;
