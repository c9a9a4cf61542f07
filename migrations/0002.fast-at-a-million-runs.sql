-- Indexes for a million runs. Sizes and times are of 1,000,000 lifelike runs (`make bench`).
--
-- Every list that the shell can ask for is one walk along one index (or a few that are merged) that
-- stops after the first page, whatever the data. An index that leaves rows to filter or to sort is
-- fast on the day it is tried, and slow for the filters that match nothing and for the strategy
-- whose runs all come last. That is many indexes: each costs a save 20 µs of its 500, as one row.

-- The metrics that runs are ranked by, beside what runs are filtered by, since no index spans two
-- tables. Both copies come from one record in one statement and no run is ever updated, so they
-- cannot differ. 24 bytes a run.
ALTER TABLE backtest_runs
    ADD COLUMN total_return ratio,
    ADD COLUMN sharpe_ratio ratio,
    ADD COLUMN max_drawdown ratio;
COMMENT ON COLUMN backtest_runs.total_return IS 'Copy from performance_metrics, to rank filtered runs.';
COMMENT ON COLUMN backtest_runs.sharpe_ratio IS 'Copy from performance_metrics, to rank filtered runs.';
COMMENT ON COLUMN backtest_runs.max_drawdown IS 'Copy from performance_metrics, to rank filtered runs.';

ALTER TABLE backtest_runs DISABLE TRIGGER backtest_runs_are_immutable;
UPDATE backtest_runs AS r
   SET total_return = m.total_return, sharpe_ratio = m.sharpe_ratio, max_drawdown = m.max_drawdown
  FROM performance_metrics AS m
 WHERE m.run_id = r.run_id;
ALTER TABLE backtest_runs ENABLE TRIGGER backtest_runs_are_immutable;

ALTER TABLE backtest_runs ADD CONSTRAINT only_success_has_metrics CHECK (
    status = 'success' OR num_nonnulls(total_return, sharpe_ratio, max_drawdown) = 0
);

-- What only `show` and `reproduce` read goes out of the row, so that a filter that no index serves
-- reads 640 MB instead of 1,760. It costs 180 bytes a run. Parameters are filtered by and stay.
ALTER TABLE backtest_runs SET (toast_tuple_target = 640);
ALTER TABLE backtest_runs ALTER COLUMN parameters SET STORAGE MAIN;

-- Indexes are ascending and read backwards: runs come in by date, and an index that grows at the
-- end of its lists has full pages (41 MB), one that grows at their beginning half empty (69 MB).
DROP INDEX backtest_runs_by_date;
CREATE INDEX backtest_runs_by_date ON backtest_runs (started_at, run_id);

-- Only ever compared for equality, for which a hash does in 38 MB what a tree does in 119.
DROP INDEX backtest_runs_by_config;
CREATE INDEX backtest_runs_by_config ON backtest_runs USING hash (config_hash);

-- In what follows, hashes at the end of an index have a condition tested inside it, at 45 ns an
-- entry instead of 2 µs a row: 8 bytes for two of them, where the texts would take 40. A condition
-- says both, `strategy_type = $1 AND hashtext(strategy_type) = hashtext($1)`, so that it is right.

-- All runs by a metric.
CREATE INDEX backtest_runs_by_return
    ON backtest_runs (total_return, started_at, hashtext(strategy_type));
CREATE INDEX backtest_runs_by_sharpe
    ON backtest_runs (sharpe_ratio, started_at, hashtext(strategy_type));
CREATE INDEX backtest_runs_by_drawdown
    ON backtest_runs (max_drawdown, started_at, hashtext(strategy_type));

-- A strategy's runs: the best run of a bad strategy comes after most others' in the lists above.
CREATE INDEX backtest_runs_by_strategy_and_date
    ON backtest_runs (strategy_name, started_at, hashtext(strategy_type), hashtext(status));
CREATE INDEX backtest_runs_by_strategy_and_return
    ON backtest_runs (strategy_name, total_return, started_at);
CREATE INDEX backtest_runs_by_strategy_and_sharpe
    ON backtest_runs (strategy_name, sharpe_ratio, started_at);
CREATE INDEX backtest_runs_by_strategy_and_drawdown
    ON backtest_runs (strategy_name, max_drawdown, started_at);

-- A type's runs. By a metric they come from the lists of all runs: types are few and large.
CREATE INDEX backtest_runs_by_type_and_date
    ON backtest_runs (strategy_type, started_at, hashtext(status));

-- An instrument's runs. No index can put in another order the runs whose array has a value, so the
-- first, second and third instrument of a run have indexes each, to be merged; few runs have more
-- than one, and the rare longer lists have a GIN index.
CREATE INDEX backtest_runs_by_instrument_1_and_date ON backtest_runs (
    (instrument_ids[1]), started_at, hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
);
CREATE INDEX backtest_runs_by_instrument_1_and_return ON backtest_runs (
    (instrument_ids[1]), total_return, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX backtest_runs_by_instrument_1_and_sharpe ON backtest_runs (
    (instrument_ids[1]), sharpe_ratio, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX backtest_runs_by_instrument_1_and_drawdown ON backtest_runs (
    (instrument_ids[1]), max_drawdown, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX backtest_runs_by_instrument_2_and_date ON backtest_runs (
    (instrument_ids[2]), started_at, hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
)
    WHERE instrument_ids[2] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_2_and_return ON backtest_runs (
    (instrument_ids[2]), total_return, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[2] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_2_and_sharpe ON backtest_runs (
    (instrument_ids[2]), sharpe_ratio, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[2] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_2_and_drawdown ON backtest_runs (
    (instrument_ids[2]), max_drawdown, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[2] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_3_and_date ON backtest_runs (
    (instrument_ids[3]), started_at, hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
)
    WHERE instrument_ids[3] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_3_and_return ON backtest_runs (
    (instrument_ids[3]), total_return, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[3] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_3_and_sharpe ON backtest_runs (
    (instrument_ids[3]), sharpe_ratio, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[3] IS NOT NULL;
CREATE INDEX backtest_runs_by_instrument_3_and_drawdown ON backtest_runs (
    (instrument_ids[3]), max_drawdown, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE instrument_ids[3] IS NOT NULL;
CREATE INDEX backtest_runs_with_many_instruments
    ON backtest_runs USING gin (instrument_ids) WHERE cardinality(instrument_ids) > 3;

-- Which strategies and types ran on what at all. Equal entries are kept as one list (8 MB), so that
-- a combination that is common by its parts and never occurs is known before any list is walked.
CREATE INDEX backtest_runs_type_and_strategy ON backtest_runs (strategy_type, strategy_name);
CREATE INDEX backtest_runs_instrument_1_type_and_strategy
    ON backtest_runs ((instrument_ids[1]), strategy_type, strategy_name);
CREATE INDEX backtest_runs_instrument_2_type_and_strategy
    ON backtest_runs ((instrument_ids[2]), strategy_type, strategy_name)
    WHERE instrument_ids[2] IS NOT NULL;
CREATE INDEX backtest_runs_instrument_3_type_and_strategy
    ON backtest_runs ((instrument_ids[3]), strategy_type, strategy_name)
    WHERE instrument_ids[3] IS NOT NULL;

-- Runs that did not succeed, one in twenty.
CREATE INDEX backtest_runs_not_successful
    ON backtest_runs (status, started_at) WHERE status <> 'success';

-- Parameters and tags that equal a value. The runs of a sweep are neighbours and have much in
-- common, which GIN compresses to 16 and 4 MB; new entries wait in a list, so a save hardly notices.
-- A short list, because it is searched from end to end, and one save in a few hundred empties it.
CREATE INDEX backtest_runs_by_parameters ON backtest_runs
    USING gin (parameters jsonb_path_ops) WITH (gin_pending_list_limit = 256);
CREATE INDEX backtest_runs_by_tag ON backtest_runs
    USING gin (tags) WITH (gin_pending_list_limit = 256);

-- A hash adds nothing to its text, and a strategy has its type: without this the planner multiplies
-- their shares, expects a handful of runs and sorts thousands.
CREATE STATISTICS backtest_runs_strategies (dependencies)
    ON strategy_name, strategy_type, status,
       hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
    FROM backtest_runs;
-- How many runs have this second or third instrument, and how many more: of partial indexes the
-- planner has no statistics.
CREATE STATISTICS backtest_runs_instruments (ndistinct)
    ON (instrument_ids[2]), (instrument_ids[3]), cardinality(instrument_ids)
    FROM backtest_runs;
