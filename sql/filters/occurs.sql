-- Runs, if any is of both: one look into an index before any list is walked.
-- $1 type
-- $2 strategy
SELECT r.run_id FROM backtest_runs AS r
 WHERE (SELECT true
          FROM backtest_runs AS r
         WHERE r.strategy_type = ANY (ARRAY[$1]) AND r.strategy_name = ANY (ARRAY[$2])
         ORDER BY r.strategy_type, r.strategy_name
         LIMIT 1)
