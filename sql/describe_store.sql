-- Count what the store holds and measure what all its tables take, its server's version beside it.
SELECT (SELECT count(*) FROM backtest_runs) AS runs,
       (SELECT sum(pg_total_relation_size(t.oid))::bigint
          FROM pg_class AS t
          JOIN pg_class AS runs USING (relnamespace)
         WHERE runs.oid = 'backtest_runs'::regclass AND t.relkind = 'r') AS bytes,
       current_setting('server_version') AS server_version
