-- Read what is said of runs, when that was changed last, and by whom.
-- $1 run_ids
SELECT run_id, tags, note, starred, name, annotated_at, annotated_by
  FROM annotations
 WHERE run_id = ANY ($1::uuid[])
