-- Find how runs did with the same parameters on the same instruments at another time, the longest first.
-- Only times that have no day in common with the run count.
-- $1 run_ids
SELECT DISTINCT ON (judged.run_id)
       judged.run_id, other.start_date, other.end_date, other.sharpe_ratio
  FROM backtest_runs AS judged
  JOIN backtest_runs AS other
    ON ARRAY[other.strategy_name] @> ARRAY[judged.strategy_name]
   AND other.instrument_ids = judged.instrument_ids
   AND other.parameters @> judged.parameters
   AND other.parameters <@ judged.parameters
   AND (other.end_date < judged.start_date OR other.start_date > judged.end_date)
 WHERE judged.run_id = ANY ($1::uuid[])
   AND other.status = 'success'
   AND other.reproduced_from IS NULL
   AND other.sharpe_ratio IS NOT NULL
 ORDER BY judged.run_id, other.end_date - other.start_date DESC, other.started_at DESC
