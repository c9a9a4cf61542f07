DROP TABLE run_instruments;
DROP TRIGGER backtest_runs_are_listed ON backtest_runs;
DROP FUNCTION list_instruments();
DROP STATISTICS backtest_runs_strategies;
DROP INDEX
    backtest_runs_by_tag,
    backtest_runs_by_parameters,
    backtest_runs_not_successful,
    backtest_runs_type_and_strategy,
    backtest_runs_by_type_and_date,
    backtest_runs_by_strategy_and_drawdown,
    backtest_runs_by_strategy_and_sharpe,
    backtest_runs_by_strategy_and_return,
    backtest_runs_by_strategy_and_date,
    backtest_runs_by_drawdown,
    backtest_runs_by_sharpe,
    backtest_runs_by_return,
    backtest_runs_by_config,
    backtest_runs_by_date;
CREATE INDEX backtest_runs_by_date ON backtest_runs (started_at DESC, run_id DESC);
CREATE INDEX backtest_runs_by_config ON backtest_runs (config_hash);
ALTER TABLE backtest_runs ALTER COLUMN parameters SET STORAGE EXTENDED;
ALTER TABLE backtest_runs RESET (toast_tuple_target);
ALTER TABLE backtest_runs
    DROP CONSTRAINT only_success_has_metrics,
    DROP COLUMN total_return,
    DROP COLUMN sharpe_ratio,
    DROP COLUMN max_drawdown;
