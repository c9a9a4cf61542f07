DROP TABLE performance_metrics;
DROP TABLE backtest_runs;
DROP FUNCTION refuse_update();
DROP DOMAIN amount;
DROP DOMAIN ratio;
