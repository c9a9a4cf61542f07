-- Runs of one grid: the newest of which this is the id, the beginning of the id, or the name.
-- $1 batch  @batch (or @latest) is the newest grid of all, @batch~2 the second before it
ARRAY[r.batch_id] @> ARRAY[(
    WITH RECURSIVE newest AS (
        (SELECT ARRAY[b.batch_id] AS seen
           FROM backtest_runs AS b
          WHERE b.batch_id IS NOT NULL
            AND ($1 ~ '^@(batch|latest)(~[0-9]{1,9})?$' OR b.batch_name = $1
                 OR starts_with(b.batch_id::text, $1))
          ORDER BY b.started_at DESC
          LIMIT 1)
         UNION ALL
        SELECT n.seen || (SELECT b.batch_id
                            FROM backtest_runs AS b
                           WHERE b.batch_id <> ALL (n.seen)
                           ORDER BY b.started_at DESC
                           LIMIT 1)
          FROM newest AS n
         WHERE cardinality(n.seen) <= coalesce(substring($1 FROM '^@.*~([0-9]+)$')::int, 0)
           AND n.seen[cardinality(n.seen)] IS NOT NULL
    )
    SELECT n.seen[1 + coalesce(substring($1 FROM '^@.*~([0-9]+)$')::int, 0)]
      FROM newest AS n
     ORDER BY cardinality(n.seen) DESC
     LIMIT 1
)]
