-- Store runs, each with what belongs to it, and return the ids of those not stored yet.
-- $1 records   flat objects as text, whose keys are the columns of the four tables
-- $2 defaults  what the columns have that an object does not name
WITH record AS MATERIALIZED (
    -- the first of one id: its metrics and months must not come of another
    SELECT DISTINCT ON ((given.record->>'run_id')::uuid) given.record
      FROM unnest($1::text[]::jsonb[]) WITH ORDINALITY AS given (record, position)
     ORDER BY (given.record->>'run_id')::uuid, position
), run AS (
    INSERT INTO backtest_runs
    SELECT r.*
      FROM jsonb_populate_record(NULL::backtest_runs, $2::jsonb) AS usual
     CROSS JOIN record
     CROSS JOIN jsonb_populate_record(usual, record) AS r
        ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, status
), metrics AS (
    INSERT INTO performance_metrics
    SELECT m.*
      FROM jsonb_populate_record(NULL::performance_metrics, $2) AS usual
     CROSS JOIN record
     CROSS JOIN jsonb_populate_record(usual, record) AS m
     -- IS TRUE has the ids hashed; joined to them, a thousand records would be a million pairs
     WHERE (m.run_id IN (SELECT run_id FROM run WHERE status IN ('success', 'stopped'))) IS TRUE
        ON CONFLICT (run_id) DO NOTHING
), months AS (
    INSERT INTO periods
    SELECT p.*
      FROM jsonb_populate_record(NULL::periods, $2) AS usual
     CROSS JOIN record
     CROSS JOIN jsonb_populate_record(usual, record) AS p
     WHERE num_nonnulls(p.period, p.period_start, p.period_returns, p.period_counts, p.period_means, p.period_deviations) > 0
       AND (p.run_id IN (SELECT run_id FROM run WHERE status IN ('success', 'stopped'))) IS TRUE
        ON CONFLICT (run_id) DO NOTHING
), annotation AS (
    INSERT INTO annotations (run_id, tags, note, starred, name)
    SELECT a.run_id, a.tags, a.note, a.starred, a.name
      FROM jsonb_populate_record(NULL::annotations, $2) AS usual
     CROSS JOIN record
     CROSS JOIN jsonb_populate_record(usual, record) AS a
     WHERE (a.tags <> '{}' OR a.starred OR num_nonnulls(a.note, a.name) > 0)
       AND (a.run_id IN (SELECT run_id FROM run)) IS TRUE
        ON CONFLICT (run_id) DO NOTHING
)
SELECT run_id FROM run
