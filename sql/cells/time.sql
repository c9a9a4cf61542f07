-- Write a time in ISO 8601, whatever the session's DateStyle.
SELECT to_json(r.started_at /* field */) #>> '{}' FROM backtest_runs AS r
