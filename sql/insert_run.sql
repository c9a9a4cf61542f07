-- Store one run, with its metrics if it succeeded or was stopped; a run already stored stays as it is.
-- $1 record  flat object whose keys are the columns of both tables
WITH run AS (
    INSERT INTO backtest_runs
    SELECT r.* FROM jsonb_populate_record(NULL::backtest_runs, $1::jsonb) AS r
        ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, status
), metrics AS (
    INSERT INTO performance_metrics
    SELECT m.*
      FROM run CROSS JOIN jsonb_populate_record(NULL::performance_metrics, $1::jsonb) AS m
     WHERE run.status IN ('success', 'stopped')
)
SELECT run_id FROM run
