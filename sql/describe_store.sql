-- Count what the store holds and measure what it takes, its server's version beside it.
SELECT (SELECT count(*) FROM backtest_runs) AS runs,
       pg_total_relation_size('backtest_runs') + pg_total_relation_size('performance_metrics') AS bytes,
       current_setting('server_version') AS server_version
