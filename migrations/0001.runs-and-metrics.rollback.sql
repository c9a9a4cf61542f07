DROP TABLE run_instruments;
DROP TABLE performance_metrics;
DROP TABLE backtest_runs;
DROP FUNCTION list_instruments();
DROP FUNCTION refuse_update();
DROP FUNCTION is_list(text[]);
DROP DOMAIN amount;
DROP DOMAIN ratio;
