-- Change what is said of runs, and return the ids of those that are there; NULL leaves a part as it is.
-- $1 run_ids
-- $2 add      tags to add, at the end
-- $3 remove   tags to take away
-- $4 note     a remark; empty for none
-- $5 starred
-- $6 name     a name for lists; empty for none
INSERT INTO annotations AS a (run_id, tags, note, starred, name)
SELECT r.run_id, $2::text[], nullif($4::text, ''), coalesce($5::boolean, false), nullif($6::text, '')
  FROM backtest_runs AS r
 WHERE r.run_id = ANY ($1::uuid[])
    ON CONFLICT (run_id) DO UPDATE SET
       tags = ARRAY (
           SELECT tag
             FROM unnest(a.tags || $2) WITH ORDINALITY AS t (tag, position)
            WHERE tag <> ALL ($3::text[])
            GROUP BY tag
            ORDER BY min(position)
       ),
       note = CASE WHEN $4 IS NULL THEN a.note ELSE nullif($4, '') END,
       starred = coalesce($5, a.starred),
       name = CASE WHEN $6 IS NULL THEN a.name ELSE nullif($6, '') END
RETURNING run_id
