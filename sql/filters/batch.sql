-- Runs of one grid: the newest of which this is the id, the beginning of the id, or the name.
-- $1 batch  @latest is the newest grid of all
r.batch_id = (
    SELECT b.batch_id
      FROM backtest_runs AS b
     WHERE b.batch_id IS NOT NULL
       AND ($1 = '@latest' OR b.batch_name = $1 OR starts_with(b.batch_id::text, $1))
     ORDER BY b.started_at DESC
     LIMIT 1
)
