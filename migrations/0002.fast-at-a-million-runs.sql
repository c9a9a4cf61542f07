-- Indexes for a million runs. Sizes and times are of 1,000,000 lifelike runs (`make bench`).
--
-- Every list that the shell can ask for is one walk along one index that stops after the first page,
-- whatever the data. An index that leaves rows to filter or to sort is fast on the day it is tried,
-- and slow for the filters that match nothing and for the strategy whose runs all come last. That is
-- many indexes: each costs a save 20 µs of its 500.

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
-- NULLS FIRST puts what is undefined last when it is read backwards.
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
    ON backtest_runs (total_return NULLS FIRST, started_at, hashtext(strategy_type));
CREATE INDEX backtest_runs_by_sharpe
    ON backtest_runs (sharpe_ratio NULLS FIRST, started_at, hashtext(strategy_type));
CREATE INDEX backtest_runs_by_drawdown
    ON backtest_runs (max_drawdown NULLS FIRST, started_at, hashtext(strategy_type));

-- A strategy's runs: the best run of a bad strategy comes after most others' in the lists above.
CREATE INDEX backtest_runs_by_strategy_and_date
    ON backtest_runs (strategy_name, started_at, hashtext(strategy_type), hashtext(status));
CREATE INDEX backtest_runs_by_strategy_and_return
    ON backtest_runs (strategy_name, total_return NULLS FIRST, started_at);
CREATE INDEX backtest_runs_by_strategy_and_sharpe
    ON backtest_runs (strategy_name, sharpe_ratio NULLS FIRST, started_at);
CREATE INDEX backtest_runs_by_strategy_and_drawdown
    ON backtest_runs (strategy_name, max_drawdown NULLS FIRST, started_at);

-- Which types and strategies there are. Equal entries are kept as one list (8 MB), so that two that
-- are common and never meet are known before any list is walked.
CREATE INDEX backtest_runs_type_and_strategy ON backtest_runs (strategy_type, strategy_name);

-- A type's runs. By a metric they come from the lists of all runs: types are few and large.
CREATE INDEX backtest_runs_by_type_and_date
    ON backtest_runs (strategy_type, started_at, hashtext(status));

-- Runs that did not succeed, one in twenty; the name is for counting a strategy's failures.
CREATE INDEX backtest_runs_not_successful
    ON backtest_runs (status, started_at) INCLUDE (strategy_name) WHERE status <> 'success';

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

-- An instrument's runs. No index has in an order the runs whose array has a value, so each run has
-- a row for each of its instruments, with what lists are ordered and filtered by. PostgreSQL keeps
-- it: a trigger fills it, deleting a run empties it, and what it copies is never updated.
CREATE TABLE run_instruments (
    run_id        uuid NOT NULL REFERENCES backtest_runs ON DELETE CASCADE,
    instrument_id text NOT NULL,
    status        text NOT NULL,
    started_at    timestamptz NOT NULL,
    strategy_name text NOT NULL,
    strategy_type text NOT NULL,
    total_return  ratio,
    sharpe_ratio  ratio,
    max_drawdown  ratio,
    PRIMARY KEY (run_id, instrument_id)
);
COMMENT ON TABLE run_instruments IS 'A row for each instrument of each run: copies, to list an instrument''s runs.';
COMMENT ON COLUMN run_instruments.run_id IS 'The run.';
COMMENT ON COLUMN run_instruments.instrument_id IS 'One of its instruments, as NautilusTrader writes it: SYMBOL.VENUE.';
COMMENT ON COLUMN run_instruments.status IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.started_at IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.strategy_name IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.strategy_type IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.total_return IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.sharpe_ratio IS 'Copy from backtest_runs.';
COMMENT ON COLUMN run_instruments.max_drawdown IS 'Copy from backtest_runs.';

CREATE FUNCTION list_instruments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_instruments
    SELECT DISTINCT r.run_id, instrument_id, r.status, r.started_at, r.strategy_name, r.strategy_type,
           r.total_return, r.sharpe_ratio, r.max_drawdown
      FROM stored AS r CROSS JOIN unnest(r.instrument_ids) AS instrument_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION list_instruments() IS 'Lists runs just stored under each of their instruments.';

INSERT INTO run_instruments
SELECT DISTINCT r.run_id, instrument_id, r.status, r.started_at, r.strategy_name, r.strategy_type,
       r.total_return, r.sharpe_ratio, r.max_drawdown
  FROM backtest_runs AS r CROSS JOIN unnest(r.instrument_ids) AS instrument_id;

CREATE TRIGGER backtest_runs_are_listed
    AFTER INSERT ON backtest_runs REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION list_instruments();
CREATE TRIGGER run_instruments_are_immutable
    BEFORE UPDATE ON run_instruments FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();

-- By date and by metric, with the hashes of what else is asked for; and what ran on it at all.
CREATE INDEX run_instruments_by_date ON run_instruments (
    instrument_id, started_at, hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
);
CREATE INDEX run_instruments_by_return ON run_instruments (
    instrument_id, total_return NULLS FIRST, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX run_instruments_by_sharpe ON run_instruments (
    instrument_id, sharpe_ratio NULLS FIRST, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX run_instruments_by_drawdown ON run_instruments (
    instrument_id, max_drawdown NULLS FIRST, started_at, hashtext(strategy_name), hashtext(strategy_type)
);
CREATE INDEX run_instruments_not_successful ON run_instruments (
    instrument_id, status, started_at, hashtext(strategy_name), hashtext(strategy_type)
)
    WHERE status <> 'success';
CREATE INDEX run_instruments_type_and_strategy
    ON run_instruments (instrument_id, strategy_type, strategy_name);
CREATE STATISTICS run_instruments_strategies (dependencies)
    ON instrument_id, strategy_name, strategy_type, status,
       hashtext(strategy_name), hashtext(strategy_type), hashtext(status)
    FROM run_instruments;
