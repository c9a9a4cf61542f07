-- A role that saves, reads, annotates and deletes runs, and changes none, made or renewed. Grant it to people:
-- GRANT btstore_writer TO someone. It may delete any run, and save another under the same id.
--
-- Deleting a run empties the other tables and saving one fills them by triggers and keys, which act
-- as the owner: metrics that a writer could delete, a writer could replace.
DO $$ BEGIN CREATE ROLE btstore_writer NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON backtest_runs, performance_metrics, periods, annotations, deleted_trials, shapes,
    _yoyo_migration, _yoyo_log, _yoyo_version FROM PUBLIC, btstore_writer;
GRANT SELECT ON backtest_runs, performance_metrics, periods, annotations, deleted_trials, shapes,
    _yoyo_migration TO btstore_writer;
GRANT INSERT, DELETE ON backtest_runs TO btstore_writer;
GRANT INSERT ON performance_metrics, periods TO btstore_writer;
GRANT INSERT, UPDATE ON annotations TO btstore_writer;
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, btstore_writer', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO btstore_writer', current_schema());
END
$$;
