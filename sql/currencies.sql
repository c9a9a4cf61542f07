-- List the currencies that an amount of the runs that meet conditions is in.
-- One run of each that the store has is looked for, from the index of currencies: an order within
-- bounds leads PostgreSQL there, where an equality may have it read the table until one comes.
WITH RECURSIVE known AS (
    SELECT min(currency) AS currency
      FROM backtest_runs
     UNION ALL
    SELECT (SELECT min(other.currency) FROM backtest_runs AS other WHERE other.currency > known.currency)
      FROM known
     WHERE known.currency IS NOT NULL
)
SELECT known.currency
  FROM known
 CROSS JOIN LATERAL (
        SELECT
          FROM backtest_runs AS r
          LEFT JOIN performance_metrics AS m USING (run_id)
          LEFT JOIN periods AS p USING (run_id)
          LEFT JOIN annotations AS a USING (run_id)
         WHERE r.currency BETWEEN known.currency AND known.currency
           AND m.net_profit /* field */ IS NOT NULL
           AND true /* filters */
         ORDER BY r.currency
         LIMIT 1
       ) AS one
 WHERE known.currency IS NOT NULL
 ORDER BY known.currency
