-- Write listed runs as JSON, one object a row.
SELECT to_json(run) FROM backtest_runs /* runs */ AS run
