-- List the currencies that an amount of the runs that meet conditions is in.
SELECT DISTINCT r.currency
  FROM backtest_runs AS r
  LEFT JOIN performance_metrics AS m USING (run_id)
  LEFT JOIN annotations AS a USING (run_id)
 WHERE m.net_profit /* field */ IS NOT NULL
   AND r.currency IS NOT NULL
   AND true /* filters */
 ORDER BY r.currency
