-- A role that reads runs and changes nothing, made or renewed. Grant it to people:
-- GRANT btstore_reader TO someone.
DO $$ BEGIN CREATE ROLE btstore_reader NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE ALL ON backtest_runs, performance_metrics, periods, annotations, deleted_trials, shapes,
    _yoyo_migration, _yoyo_log, _yoyo_version FROM PUBLIC, btstore_reader;
GRANT SELECT ON backtest_runs, performance_metrics, periods, annotations, deleted_trials, shapes,
    _yoyo_migration TO btstore_reader;
DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, btstore_reader', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO btstore_reader', current_schema());
END
$$;
