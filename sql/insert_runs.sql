-- Store runs, each with its metrics if it succeeded or was stopped, and return the ids of those not stored yet.
-- $1 records  flat objects as text, whose keys are the columns of both tables
WITH record AS MATERIALIZED (
    SELECT record::json FROM unnest($1::text[]) AS record
), run AS (
    INSERT INTO backtest_runs
    SELECT r.* FROM record CROSS JOIN json_populate_record(NULL::backtest_runs, record) AS r
        ON CONFLICT (run_id) DO NOTHING
    RETURNING run_id, status
), metrics AS (
    INSERT INTO performance_metrics
    SELECT m.*
      FROM record CROSS JOIN json_populate_record(NULL::performance_metrics, record) AS m
     -- IS TRUE has the ids hashed; joined to them, a thousand records would be a million pairs
     WHERE (m.run_id IN (SELECT run_id FROM run WHERE status IN ('success', 'stopped'))) IS TRUE
        ON CONFLICT (run_id) DO NOTHING
)
SELECT run_id FROM run
