-- Store one run with what belongs to it; a run already stored stays as it is.
-- Metrics belong to a run that succeeded or was stopped.
-- $1 record    flat object whose keys are the columns of the four tables
-- $2 defaults  what the columns have that it does not name
WITH run AS (
    INSERT INTO backtest_runs
    SELECT r.*
      FROM jsonb_populate_record(jsonb_populate_record(NULL::backtest_runs, $2::jsonb), $1::jsonb) AS r
        ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, status
), metrics AS (
    INSERT INTO performance_metrics
    SELECT m.*
      FROM run
     CROSS JOIN jsonb_populate_record(jsonb_populate_record(NULL::performance_metrics, $2), $1) AS m
     WHERE run.status IN ('success', 'stopped')
), months AS (
    INSERT INTO periods
    SELECT p.*
      FROM run
     CROSS JOIN jsonb_populate_record(jsonb_populate_record(NULL::periods, $2), $1) AS p
     WHERE run.status IN ('success', 'stopped')
       AND num_nonnulls(p.period, p.period_start, p.period_returns, p.period_counts, p.period_means, p.period_deviations) > 0
), annotation AS (
    INSERT INTO annotations (run_id, tags, note, starred, name)
    SELECT run_id, a.tags, a.note, a.starred, a.name
      FROM run
      JOIN jsonb_populate_record(jsonb_populate_record(NULL::annotations, $2), $1) AS a USING (run_id)
     WHERE a.tags <> '{}' OR a.starred OR num_nonnulls(a.note, a.name) > 0
)
SELECT run_id FROM run
