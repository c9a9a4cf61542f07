-- How the schema fits together.
--
-- Five tables hold what can be asked of a run:
--   backtest_runs         what was run, on what, how it ended; one row a run
--   performance_metrics   how it went, if it succeeded or was stopped
--   periods               what it returned in each month or day of it
--   annotations           what people say of it: the one thing about a run that changes
--   shapes                what the JSON documents of many runs have in common, stored once
-- and one what is left of those deleted: deleted_trials, which counts them.
--
-- A run is inserted once, with its metrics in the same transaction, and never updated; triggers see
-- to it. Deleting it deletes its metrics and what is said of it; another may be saved under its id.
-- On the way in, triggers pack config_snapshot, provenance and engine_stats into shapes; unpacked()
-- gives them back. Three metrics are copied to backtest_runs, so that an index can rank the runs
-- that a filter leaves. Domains and checks refuse what no reader could make sense of: a time out of
-- range, NaN, trades that do not add up.
--
-- In order: domains, the two tables, shapes and packing, triggers that keep runs as they are, the
-- indexes and what each costs, functions over months, annotations, deleted trials. Who may do what
-- is in sql/roles; the queries are in sql.


CREATE DOMAIN ratio AS double precision
    CONSTRAINT ratio_is_finite CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN ratio IS 'A number without unit; NaN and infinity are refused, undefined is NULL.';

CREATE DOMAIN unlimited_ratio AS double precision
    CONSTRAINT ratio_is_a_number CHECK (VALUE > '-Infinity' AND VALUE <> 'NaN');
COMMENT ON DOMAIN unlimited_ratio IS 'A ratio to losses: Infinity, the best, if there was none; undefined is NULL.';

CREATE DOMAIN amount AS numeric
    CONSTRAINT amount_is_finite CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN amount IS 'Money in the currency of the run, exact.';

CREATE FUNCTION is_list(texts text[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN array_ndims(texts) > 1 THEN false ELSE array_position(texts, NULL) IS NULL END;
COMMENT ON FUNCTION is_list(text[]) IS 'Whether an array is a plain list, without lists or NULLs in it.';

-- Times are those that a reader's datetime can hold: the years 1 to 9999.
CREATE TABLE backtest_runs (
    run_id           uuid PRIMARY KEY,
    status           text NOT NULL CHECK (status IN ('success', 'stopped', 'failed', 'interrupted')),
    started_at       timestamptz NOT NULL CHECK (started_at BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'),
    duration_seconds ratio CHECK (duration_seconds >= 0),
    strategy_name    text NOT NULL CHECK (strategy_name <> ''),
    strategy_type    text NOT NULL CHECK (strategy_type <> ''),
    instrument_ids   text[] NOT NULL CHECK (is_list(instrument_ids)),
    start_date       timestamptz CHECK (start_date BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'),
    end_date         timestamptz CHECK (end_date BETWEEN '0001-01-01 00:00+00' AND '9999-12-31 23:59:59.999999+00'),
    initial_capital  amount,
    currency         text CHECK (currency <> ''),
    data_source      text,
    data_fingerprint text,
    parameters       jsonb NOT NULL CHECK (jsonb_typeof(parameters) = 'object'),
    config_snapshot  jsonb NOT NULL CHECK (jsonb_typeof(config_snapshot) IN ('array', 'object')),
    config_hash      text CHECK (config_hash ~ '^[0-9a-f]{64}$'),
    code_hash        text CHECK (code_hash ~ '^[0-9a-f]{64}$'),
    provenance       jsonb NOT NULL CHECK (jsonb_typeof(provenance) IN ('array', 'object')),
    error_type       text,
    error_message    text,
    error_traceback  text,
    reproduced_from  uuid CHECK (reproduced_from <> run_id),
    batch_id         uuid,
    batch_name       text CHECK (batch_name <> ''),
    total_return     ratio,
    sharpe_ratio     ratio,
    max_drawdown     ratio,
    CONSTRAINT dates_in_order CHECK (start_date <= end_date),
    CONSTRAINT failure_has_a_cause CHECK (status NOT IN ('failed', 'stopped') OR error_type IS NOT NULL),
    CONSTRAINT success_has_no_error CHECK (
        status <> 'success' OR (error_type IS NULL AND error_message IS NULL AND error_traceback IS NULL)
    ),
    CONSTRAINT batch_name_needs_a_batch CHECK (batch_name IS NULL OR batch_id IS NOT NULL),
    CONSTRAINT capital_has_a_currency CHECK (initial_capital IS NULL OR currency IS NOT NULL),
    CONSTRAINT only_what_ended_has_metrics CHECK (
        status IN ('success', 'stopped') OR num_nonnulls(total_return, sharpe_ratio, max_drawdown) = 0
    )
);

COMMENT ON TABLE backtest_runs IS 'What was run, on what, and how it ended; one row a run, never updated.';
COMMENT ON COLUMN backtest_runs.run_id IS 'Identity of the run, chosen by the process that ran it.';
COMMENT ON COLUMN backtest_runs.status IS 'success, stopped (the engine ended before its data did), failed (an exception ended it) or interrupted (by hand, or its process died).';
COMMENT ON COLUMN backtest_runs.started_at IS 'When the run began, UTC.';
COMMENT ON COLUMN backtest_runs.duration_seconds IS 'Wall time of the run in seconds; NULL when its process died.';
COMMENT ON COLUMN backtest_runs.strategy_name IS 'Name of the strategy, as its user gave it or its class has it.';
COMMENT ON COLUMN backtest_runs.strategy_type IS 'trend_following, mean_reversion, momentum …, or unclassified.';
COMMENT ON COLUMN backtest_runs.instrument_ids IS 'Instruments in the engine, as NautilusTrader writes them: SYMBOL.VENUE.';
COMMENT ON COLUMN backtest_runs.start_date IS 'Time of the first market data, UTC.';
COMMENT ON COLUMN backtest_runs.end_date IS 'Time of the last market data, UTC.';
COMMENT ON COLUMN backtest_runs.initial_capital IS 'Equity before the first bar, in currency.';
COMMENT ON COLUMN backtest_runs.currency IS 'Base currency of the account: the unit of every amount of the run.';
COMMENT ON COLUMN backtest_runs.data_source IS 'Where the market data came from: a file, a catalog, or memory.';
COMMENT ON COLUMN backtest_runs.data_fingerprint IS 'Digest of the market data; equal data has an equal fingerprint.';
COMMENT ON COLUMN backtest_runs.parameters IS 'The strategies'' configuration, for querying.';
COMMENT ON COLUMN backtest_runs.config_snapshot IS 'All that is needed to run it again, in NautilusTrader''s own terms; packed, see unpacked(jsonb).';
COMMENT ON COLUMN backtest_runs.config_hash IS 'SHA-256 in hex of configuration, instruments, dates and data; NULL if one is not known.';
COMMENT ON COLUMN backtest_runs.code_hash IS 'SHA-256 in hex of the modules of the user''s that ran, as imported; NULL if one is not known.';
COMMENT ON COLUMN backtest_runs.provenance IS 'Versions, git commit, source hash and command line of the run; packed, see unpacked(jsonb).';
COMMENT ON COLUMN backtest_runs.error_type IS 'Class of the exception, or of the command to shut down, that ended the run.';
COMMENT ON COLUMN backtest_runs.error_message IS 'Text of the exception that ended the run; of a stopped one when and why, as the engine says it.';
COMMENT ON COLUMN backtest_runs.error_traceback IS 'Traceback of the exception that ended the run.';
COMMENT ON COLUMN backtest_runs.reproduced_from IS 'The run that this one repeats; it may have been deleted since.';
COMMENT ON COLUMN backtest_runs.batch_id IS 'The grid that the run is of, the same for all of one command; NULL for a run alone.';
COMMENT ON COLUMN backtest_runs.batch_name IS 'What its config calls the grid.';
COMMENT ON COLUMN backtest_runs.total_return IS 'Copy from performance_metrics, to rank filtered runs.';
COMMENT ON COLUMN backtest_runs.sharpe_ratio IS 'Copy from performance_metrics, to rank filtered runs.';
COMMENT ON COLUMN backtest_runs.max_drawdown IS 'Copy from performance_metrics, to rank filtered runs.';

CREATE TABLE performance_metrics (
    run_id            uuid PRIMARY KEY REFERENCES backtest_runs ON DELETE CASCADE,
    total_return      ratio,
    cagr              ratio,
    volatility        ratio CHECK (volatility >= 0),
    sharpe_ratio      ratio,
    sortino_ratio     unlimited_ratio,
    calmar_ratio      unlimited_ratio,
    max_drawdown      ratio CHECK (max_drawdown <= 0),
    max_drawdown_date date CHECK (max_drawdown_date BETWEEN '0001-01-01' AND '9999-12-31'),
    final_balance     amount,
    net_profit        amount,
    unrealised_profit amount,
    total_fees        amount,
    total_trades      bigint CHECK (total_trades >= 0),
    winning_trades    bigint CHECK (winning_trades >= 0),
    losing_trades     bigint CHECK (losing_trades >= 0),
    breakeven_trades  bigint CHECK (breakeven_trades >= 0),
    win_rate          ratio CHECK (win_rate BETWEEN 0 AND 1),
    profit_factor     unlimited_ratio CHECK (profit_factor >= 0),
    expectancy        amount,
    avg_win           amount CHECK (avg_win > 0),
    avg_loss          amount CHECK (avg_loss < 0),
    returns_count     bigint CHECK (returns_count >= 0),
    periods_per_year  ratio CHECK (periods_per_year > 0),
    returns_skewness  ratio,
    returns_kurtosis  ratio CHECK (returns_kurtosis >= 0),
    returns_autocorrelation ratio CHECK (returns_autocorrelation BETWEEN -1 AND 1),
    buy_and_hold_return ratio CHECK (buy_and_hold_return >= -1),
    period            text CHECK (period IN ('month', 'day')),
    period_start      date CHECK (period_start BETWEEN '0001-01-01' AND '9999-12-31'),
    equity_basis      text NOT NULL CHECK (equity_basis IN ('mark_to_market', 'balance')),
    engine_stats      jsonb NOT NULL CHECK (jsonb_typeof(engine_stats) IN ('array', 'object')),
    warnings          text[] NOT NULL CHECK (is_list(warnings)),
    CONSTRAINT period_has_a_start CHECK ((period IS NULL) = (period_start IS NULL)),
    CONSTRAINT trades_add_up CHECK (total_trades = winning_trades + losing_trades + breakeven_trades)
);

COMMENT ON TABLE performance_metrics IS 'How each run went that succeeded or was stopped; undefined is NULL, and warnings says why.';
COMMENT ON COLUMN performance_metrics.run_id IS 'The run.';
COMMENT ON COLUMN performance_metrics.total_return IS 'Last equity over starting capital, less 1; a fraction: 0.15 is 15 %.';
COMMENT ON COLUMN performance_metrics.cagr IS 'Compound annual growth rate of equity, from 90 days on; a fraction.';
COMMENT ON COLUMN performance_metrics.volatility IS 'Standard deviation of daily returns, annualised; a fraction.';
COMMENT ON COLUMN performance_metrics.sharpe_ratio IS 'Mean over standard deviation of daily returns, annualised; risk-free rate 0.';
COMMENT ON COLUMN performance_metrics.sortino_ratio IS 'Mean over downside deviation of daily returns, annualised; target 0.';
COMMENT ON COLUMN performance_metrics.calmar_ratio IS 'cagr over the size of max_drawdown.';
COMMENT ON COLUMN performance_metrics.max_drawdown IS 'Deepest fall of equity from its peak; a fraction, at most 0.';
COMMENT ON COLUMN performance_metrics.max_drawdown_date IS 'Day of the trough of max_drawdown, UTC.';
COMMENT ON COLUMN performance_metrics.final_balance IS 'Account balance after the run; open positions not valued.';
COMMENT ON COLUMN performance_metrics.net_profit IS 'Last equity less starting capital.';
COMMENT ON COLUMN performance_metrics.unrealised_profit IS 'Gain of the positions that were open at the end, at the last prices.';
COMMENT ON COLUMN performance_metrics.total_fees IS 'Commissions paid; negative is a rebate.';
COMMENT ON COLUMN performance_metrics.total_trades IS 'Closed positions, netting snapshots included.';
COMMENT ON COLUMN performance_metrics.winning_trades IS 'Trades with a profit after fees.';
COMMENT ON COLUMN performance_metrics.losing_trades IS 'Trades with a loss after fees.';
COMMENT ON COLUMN performance_metrics.breakeven_trades IS 'Trades with neither.';
COMMENT ON COLUMN performance_metrics.win_rate IS 'Winning trades over all trades; a fraction from 0 to 1.';
COMMENT ON COLUMN performance_metrics.profit_factor IS 'Gross profit over gross loss.';
COMMENT ON COLUMN performance_metrics.expectancy IS 'Mean profit of a trade after fees.';
COMMENT ON COLUMN performance_metrics.avg_win IS 'Mean profit of a winning trade after fees.';
COMMENT ON COLUMN performance_metrics.avg_loss IS 'Mean loss of a losing trade after fees, below 0.';
COMMENT ON COLUMN performance_metrics.returns_count IS 'Number of daily returns behind the ratios.';
COMMENT ON COLUMN performance_metrics.periods_per_year IS 'Daily returns over years covered: the factor that annualises.';
COMMENT ON COLUMN performance_metrics.returns_skewness IS 'Skewness of daily returns.';
COMMENT ON COLUMN performance_metrics.returns_kurtosis IS 'Kurtosis of daily returns, not excess: 3 for a normal distribution.';
COMMENT ON COLUMN performance_metrics.returns_autocorrelation IS 'Correlation of each daily return with the one before.';
COMMENT ON COLUMN performance_metrics.buy_and_hold_return IS 'Last price over first, less 1, of the one instrument of the run; a fraction.';
COMMENT ON COLUMN performance_metrics.period IS 'What period_returns are of: calendar months, or days of a run of fewer than 13 months.';
COMMENT ON COLUMN performance_metrics.period_start IS 'First day of the first period.';
COMMENT ON COLUMN performance_metrics.equity_basis IS 'mark_to_market: sampled during the run; balance: from account events.';
COMMENT ON COLUMN performance_metrics.engine_stats IS 'NautilusTrader''s own statistics, verbatim; packed, see unpacked(jsonb).';
COMMENT ON COLUMN performance_metrics.warnings IS 'Why a metric is undefined, and what else its reader should know.';

-- A table of their own, because they are seven times as long as all the rest of a run's metrics:
-- whoever compares a metric of every run need not read them. What they are of and what annualises them
-- is in both tables, so that `history --while` need not read the metrics of every run, nor a list the
-- months: both come from one record in one statement, and neither is ever updated. 20 years of months
-- are 3.2 kB. STORAGE MAIN keeps them in the row, with counts compressed, where PostgreSQL would keep them
-- elsewhere, with a look-up for each array of each run that `history --while` reads.
CREATE TABLE periods (
    run_id            uuid PRIMARY KEY REFERENCES performance_metrics ON DELETE CASCADE,
    period            text NOT NULL CHECK (period IN ('month', 'day')),
    period_start      date NOT NULL CHECK (period_start BETWEEN '0001-01-01' AND '9999-12-31'),
    period_returns    real[] STORAGE MAIN NOT NULL CHECK (coalesce(array_ndims(period_returns), 1) = 1),
    period_counts     smallint[] STORAGE MAIN,
    period_means      real[] STORAGE MAIN,
    period_deviations real[] STORAGE MAIN,
    periods_per_year  ratio CHECK (periods_per_year > 0),
    CONSTRAINT periods_are_whole CHECK (
        num_nonnulls(period_counts, period_means, period_deviations)
            = CASE period WHEN 'month' THEN 3 ELSE 0 END
        AND cardinality(period_returns) = coalesce(cardinality(period_counts), cardinality(period_returns))
        AND cardinality(period_counts) IS NOT DISTINCT FROM cardinality(period_means)
        AND cardinality(period_counts) IS NOT DISTINCT FROM cardinality(period_deviations)
    ),
    CONSTRAINT period_start_is_a_first CHECK (period <> 'month' OR date_part('day', period_start) = 1)
);

COMMENT ON TABLE periods IS 'What each run returned, month by month or day by day.';
COMMENT ON COLUMN periods.run_id IS 'The run.';
COMMENT ON COLUMN periods.period IS 'What period_returns are of: calendar months, or days of a run of fewer than 13 months.';
COMMENT ON COLUMN periods.period_start IS 'First day of the first period.';
COMMENT ON COLUMN periods.period_returns IS 'Compounded return of each period, a fraction; NULL in one without market data.';
COMMENT ON COLUMN periods.period_counts IS 'Number of daily returns in each month.';
COMMENT ON COLUMN periods.period_means IS 'Mean of the daily returns of each month, a fraction.';
COMMENT ON COLUMN periods.period_deviations IS 'Standard deviation of the daily returns of each month, ddof 0, a fraction.';
COMMENT ON COLUMN periods.periods_per_year IS 'Daily returns over years covered: the factor that annualises.';

-- Snapshots, provenances and the engine's statistics are 7 KB of a run, and those of a thousand runs
-- differ in some numbers. What they have in common is stored once, as a text for format() with %s for
-- each number and id; a run keeps the shape's id and what comes in place of its %s. A document is its
-- shape filled in, character for character, whatever is taken for a number. A long one stays whole.
CREATE TABLE shapes (
    shape_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    digest   uuid NOT NULL,
    template text NOT NULL
);
COMMENT ON TABLE shapes IS 'What JSON documents of runs have in common, each stored once.';
COMMENT ON COLUMN shapes.shape_id IS 'What a packed document names it by.';
COMMENT ON COLUMN shapes.digest IS 'MD5 of template, to find it by.';
COMMENT ON COLUMN shapes.template IS 'The text of the documents, with %s for what differs.';
-- Not unique: two who save a new shape at once store it twice, and do not wait for each other.
CREATE INDEX shapes_by_digest ON shapes (digest);

CREATE FUNCTION packed(document jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    longest  CONSTANT integer := 100000;
    -- A number that is a value, or an id between quotes; neither has a space in it.
    variable CONSTANT text := '(?<=[ \[])-?[0-9][0-9.eE+-]*(?=[],}])'
        '|(?<=")[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?=")';
    whole    CONSTANT text := document::text;
    mark     CONSTANT text := chr(1);  -- which JSON never has: stands before and after what varies
    shape    text;
    filling  text;
    id       bigint;
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION 'not a JSON object: %', left(whole, 100) USING ERRCODE = 'check_violation';
    END IF;
    IF length(whole) > longest THEN
        RETURN document;
    END IF;
    SELECT string_agg(part, '%s' ORDER BY position) FILTER (WHERE position % 2 = 1),
           string_agg(part, ' ' ORDER BY position) FILTER (WHERE position % 2 = 0)
      INTO shape, filling
      FROM string_to_table(regexp_replace(replace(whole, '%', '%%'), variable, mark || '\&' || mark, 'g'), mark)
           WITH ORDINALITY AS p (part, position);
    SELECT min(shape_id) INTO id FROM shapes WHERE digest = md5(shape)::uuid AND template = shape;
    IF id IS NULL THEN
        INSERT INTO shapes (digest, template) VALUES (md5(shape)::uuid, shape) RETURNING shape_id INTO id;
    END IF;
    RETURN jsonb_build_array(id, coalesce(filling, ''));
END
$$;
COMMENT ON FUNCTION packed(jsonb) IS 'Stores what a document has in common with others, and returns what it differs in.';

CREATE FUNCTION unpacked(document jsonb) RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
           WHEN jsonb_typeof(document) <> 'array' THEN document
           WHEN (document->>0 ~ '^[0-9]{1,18}$') IS NOT TRUE THEN document
           ELSE (
               SELECT format(template, VARIADIC string_to_array(document->>1, ' '))::jsonb
                 FROM shapes
                WHERE shape_id = (document->>0)::bigint
           )
           END
$$;
COMMENT ON FUNCTION unpacked(jsonb) IS 'The document that was packed, character for character.';

CREATE FUNCTION pack_run() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    NEW.config_snapshot := packed(NEW.config_snapshot);
    NEW.provenance := packed(NEW.provenance);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION pack_run() IS 'Packs the documents of a run.';
CREATE FUNCTION pack_metrics() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    NEW.engine_stats := packed(NEW.engine_stats);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION pack_metrics() IS 'Packs the document of a run''s metrics.';
CREATE TRIGGER backtest_runs_are_packed
    BEFORE INSERT ON backtest_runs FOR EACH ROW EXECUTE FUNCTION pack_run();
CREATE TRIGGER performance_metrics_are_packed
    BEFORE INSERT ON performance_metrics FOR EACH ROW EXECUTE FUNCTION pack_metrics();

CREATE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stored run is never updated (table %)', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation',
              HINT = 'Run it again, or delete it.';
END
$$;
COMMENT ON FUNCTION refuse_update() IS 'Keeps stored runs as they were saved.';

CREATE TRIGGER backtest_runs_are_immutable
    BEFORE UPDATE ON backtest_runs FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();
CREATE TRIGGER performance_metrics_are_immutable
    BEFORE UPDATE ON performance_metrics FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();
CREATE TRIGGER periods_are_immutable
    BEFORE UPDATE ON periods FOR EACH STATEMENT EXECUTE FUNCTION refuse_update();

-- A run's metrics come with it or never: whoever may save runs could otherwise give a result to a
-- run that has none. Rows of one transaction have one xmin, that transaction's number.
CREATE FUNCTION refuse_later_metrics() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT
          FROM stored
          JOIN backtest_runs AS r USING (run_id)
          JOIN performance_metrics AS m USING (run_id)
          LEFT JOIN periods AS p USING (run_id)
         WHERE m.xmin <> r.xmin OR p.xmin <> r.xmin OR r.status NOT IN ('success', 'stopped')
    ) THEN
        RAISE EXCEPTION 'metrics are saved with their run, or never'
            USING ERRCODE = 'integrity_constraint_violation',
                  HINT = 'Save both in one transaction; a run that failed has no metrics.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION refuse_later_metrics() IS 'Keeps runs from being given metrics after they were saved.';

CREATE TRIGGER performance_metrics_come_with_their_run
    AFTER INSERT ON performance_metrics REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_later_metrics();
CREATE TRIGGER periods_come_with_their_run
    AFTER INSERT ON periods REFERENCING NEW TABLE AS stored
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_later_metrics();

-- Indexes for a million runs, with their sizes there, when built at once. Each costs a save 10 to 20 of its 1,200
-- microseconds of processor time: a descent and an entry; one with a WHERE costs nothing where that
-- does not hold. The primary keys, 40 MB each, serve whatever is asked for by id, and keep a run from being saved twice.
--
-- A page is looked for among the first runs of its order, of a strategy or of all. Where it is not found
-- there, all runs that meet the conditions are gathered and put in order. What INCLUDE adds to an index has
-- conditions tested without a look at the run.

-- The metrics that runs are ranked by, beside what runs are filtered by, since no index spans two
-- tables. Both copies come from one record in one statement and no run is ever updated, so they
-- cannot differ. 24 bytes a run.

-- Parameters are filtered by, and stay in the row.
ALTER TABLE backtest_runs ALTER COLUMN parameters SET STORAGE MAIN;

-- The four orders. Indexes are ascending and read backwards: runs come in by date, and an index that
-- grows at its end has full pages: 133 MB by date, 142 MB by each metric, three fifths of it for what
-- INCLUDE adds. Lists leave out reproductions: without that column each run would be looked at after all.
-- NULLS FIRST puts what is undefined last when read backwards.
CREATE INDEX backtest_runs_by_date
    ON backtest_runs (started_at, run_id) INCLUDE (strategy_type, status, instrument_ids, reproduced_from);
CREATE INDEX backtest_runs_by_return
    ON backtest_runs (total_return NULLS FIRST, started_at, run_id) INCLUDE (strategy_type, status, instrument_ids, reproduced_from);
CREATE INDEX backtest_runs_by_sharpe
    ON backtest_runs (sharpe_ratio NULLS FIRST, started_at, run_id) INCLUDE (strategy_type, status, instrument_ids, reproduced_from);
CREATE INDEX backtest_runs_by_drawdown
    ON backtest_runs (max_drawdown NULLS FIRST, started_at, run_id) INCLUDE (strategy_type, status, instrument_ids, reproduced_from);

-- The same orders within a strategy, whose best may be far from the best of all; `trend` finds here what
-- it asks for (87 MB by date, 95 MB by each metric).
CREATE INDEX backtest_runs_by_strategy
    ON backtest_runs (strategy_name, started_at, run_id) INCLUDE (status, reproduced_from);
CREATE INDEX backtest_runs_by_strategy_return
    ON backtest_runs (strategy_name, total_return NULLS FIRST, started_at, run_id) INCLUDE (status, reproduced_from);
CREATE INDEX backtest_runs_by_strategy_sharpe
    ON backtest_runs (strategy_name, sharpe_ratio NULLS FIRST, started_at, run_id) INCLUDE (status, reproduced_from);
CREATE INDEX backtest_runs_by_strategy_drawdown
    ON backtest_runs (strategy_name, max_drawdown NULLS FIRST, started_at, run_id) INCLUDE (status, reproduced_from);

-- Runs that did not succeed, one in twenty, by date, as most have no metrics (8 MB).
CREATE INDEX backtest_runs_not_successful
    ON backtest_runs (status, started_at, run_id) INCLUDE (strategy_name, strategy_type, instrument_ids, reproduced_from)
    WHERE status <> 'success';

-- What runs are filtered by, whatever the order: one index finds those that meet several conditions
-- without reading the runs of each, and knows as soon that two common ones never met. GIN has lists
-- alone, so a single value is asked for as a list of one. The runs of a sweep are neighbours and have
-- much in common, which GIN compresses: 21 MB. New entries wait in a list, so a save hardly notices; a
-- short one, because it is searched from end to end, and one save in a few hundred empties it.
CREATE INDEX backtest_runs_by_filters ON backtest_runs USING gin (
    instrument_ids, (ARRAY[strategy_type]), (ARRAY[strategy_name]), (ARRAY[batch_id]), parameters jsonb_path_ops
) WITH (gin_pending_list_limit = 256);

-- Equal configurations: only ever compared for equality, for which a hash does (34 MB; a tree, 119).
CREATE INDEX backtest_runs_by_config ON backtest_runs USING hash (config_hash);

-- The few currencies that there are: amounts are ranked within one (7 MB).
CREATE INDEX backtest_runs_by_currency ON backtest_runs (currency);

-- What a run did over some of its months, from a slice of what is stored of each: `history --while`
-- asks this of every run. Months are counted by their mean length, which first days of months are
-- never more than some days off: in a third of the time that the parts of a date take.
CREATE FUNCTION periods_between(period text, first date, other date) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN NOT isfinite(first) THEN NULL
           WHEN period = 'day' THEN other - first
           ELSE ((other - first) / 30.436875::double precision)::integer
           END;
COMMENT ON FUNCTION periods_between(text, date, date) IS 'How many days or calendar months one date is after another: for months, the first days of two.';

CREATE FUNCTION compounded(returns real[]) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    level  double precision := 1;
    change double precision;
BEGIN
    FOREACH change IN ARRAY array_remove(returns, NULL) LOOP
        level := level * (1 + change);
    END LOOP;
    RETURN level - 1;
END
$$;
COMMENT ON FUNCTION compounded(real[]) IS 'The return over several periods from the return of each; NULL is none.';

CREATE FUNCTION deepest_fall(returns real[]) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    level   double precision := 1;
    peak    double precision := 1;
    deepest double precision := 1;
    change  double precision;
BEGIN
    FOREACH change IN ARRAY array_remove(returns, NULL) LOOP
        level := level * (1 + change);
        IF level > peak THEN
            peak := level;
        ELSIF level < deepest * peak THEN
            deepest := level / peak;
        END IF;
    END LOOP;
    RETURN deepest - 1;
END
$$;
COMMENT ON FUNCTION deepest_fall(real[]) IS 'The deepest fall below a peak at the ends of periods, the start being the first.';

-- Not a loop, but a query: PostgreSQL puts it into the one that asks, which halves what a run takes.
CREATE FUNCTION annual_sharpe_ratio(
    returns real[], counts smallint[], means real[], deviations real[], periods_per_year double precision
) RETURNS SETOF double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1 AS $$
    -- A variance this small, of the mean square, is rounding.
    SELECT CASE WHEN days > 1 THEN CASE
           WHEN squares - total * total / days > 1e-14 * squares * (days - 1) / days
           THEN total / days / sqrt((squares - total * total / days) / (days - 1))
                * sqrt(periods_per_year)
           END END
      FROM (
            SELECT sum(coalesce(day_count, 1)) FILTER (WHERE mean IS NOT NULL) AS days,
                   sum(coalesce(day_count, 1) * mean) AS total,
                   sum(coalesce(day_count, 1) * (mean * mean + coalesce(deviation * deviation, 0))) AS squares
              FROM (
                    SELECT unnest(counts)::double precision AS day_count,
                           unnest(coalesce(means, returns))::double precision AS mean,
                           unnest(deviations)::double precision AS deviation
                   ) AS parts
           ) AS sums
$$;
COMMENT ON FUNCTION annual_sharpe_ratio(real[], smallint[], real[], real[], double precision) IS
    'The Sharpe ratio of daily returns from the number, mean and deviation of those in each month, or, without these, from themselves.';

-- What people say of a run: the one thing about it that changes. A row for each run of which anybody
-- said anything; its latest state belongs to the run in every list.
CREATE TABLE annotations (
    run_id       uuid PRIMARY KEY REFERENCES backtest_runs ON DELETE CASCADE,
    tags         text[] NOT NULL DEFAULT '{}' CHECK (is_list(tags)),
    note         text,
    starred      boolean NOT NULL DEFAULT false,
    name         text CHECK (name <> ''),
    annotated_at timestamptz NOT NULL,
    annotated_by text NOT NULL
);
COMMENT ON TABLE annotations IS 'What people say of a run; one row a run at most, changed at will.';
COMMENT ON COLUMN annotations.run_id IS 'The run.';
COMMENT ON COLUMN annotations.tags IS 'Labels to find it by.';
COMMENT ON COLUMN annotations.note IS 'A remark.';
COMMENT ON COLUMN annotations.starred IS 'Whether it is one to come back to.';
COMMENT ON COLUMN annotations.name IS 'A name that lists show in place of strategy_name.';
COMMENT ON COLUMN annotations.annotated_at IS 'When it was last changed.';
COMMENT ON COLUMN annotations.annotated_by IS 'The PostgreSQL user who last changed it.';

CREATE FUNCTION sign_annotation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.annotated_at := now();
    NEW.annotated_by := session_user;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION sign_annotation() IS 'Notes who changes an annotation, and when; nobody else says so.';

CREATE TRIGGER annotations_are_signed
    BEFORE INSERT OR UPDATE ON annotations FOR EACH ROW EXECUTE FUNCTION sign_annotation();

CREATE INDEX annotations_by_tag ON annotations USING gin (tags);
-- A longer note is searched in its beginning: PostgreSQL takes no more than 1 MB of words.
CREATE INDEX annotations_by_word ON annotations USING gin (to_tsvector('simple', left(note, 100000)));

-- Whoever judges the best of many trials must count those that were deleted, too: what is left of a
-- run is what such a count needs. The trigger is one for each row, before it goes, because its
-- metrics are gone when one for the statement comes.
CREATE TABLE deleted_trials (
    run_id             uuid PRIMARY KEY,
    strategy_name      text NOT NULL,
    instrument_ids     text[] NOT NULL,
    start_date         timestamptz,
    end_date           timestamptz,
    config_hash        text,
    code_hash          text,
    batch_id           uuid,
    daily_sharpe_ratio ratio
);
COMMENT ON TABLE deleted_trials IS 'What is left of deleted runs: enough to count them among the trials of a strategy.';
COMMENT ON COLUMN deleted_trials.run_id IS 'The run that was deleted.';
COMMENT ON COLUMN deleted_trials.strategy_name IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.instrument_ids IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.start_date IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.end_date IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.config_hash IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.code_hash IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.batch_id IS 'Copy from backtest_runs.';
COMMENT ON COLUMN deleted_trials.daily_sharpe_ratio IS 'sharpe_ratio over the root of periods_per_year: not annualised.';

CREATE FUNCTION count_deleted_trial() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF OLD.status = 'success' AND OLD.reproduced_from IS NULL THEN
        INSERT INTO deleted_trials
        SELECT OLD.run_id, OLD.strategy_name, OLD.instrument_ids, OLD.start_date, OLD.end_date,
               OLD.config_hash, OLD.code_hash, OLD.batch_id, m.sharpe_ratio / sqrt(m.periods_per_year)
          FROM performance_metrics AS m
         WHERE m.run_id = OLD.run_id
            ON CONFLICT (run_id) DO NOTHING;
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION count_deleted_trial() IS 'Keeps of a deleted run what counts it among the trials.';

CREATE TRIGGER deleted_trials_are_counted
    BEFORE DELETE ON backtest_runs FOR EACH ROW EXECUTE FUNCTION count_deleted_trial();

-- Three of these functions act as the owner, so that a writer needs no right to the tables they fill;
-- and all mean the tables beside them, whatever a session's own temporary tables are called.
DO $$
DECLARE
    function text;
BEGIN
    FOREACH function IN ARRAY ARRAY[
        'count_deleted_trial', 'refuse_later_metrics', 'pack_run', 'pack_metrics'
    ] LOOP
        EXECUTE format(
            'ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', function, current_schema()
        );
    END LOOP;
END
$$;
