-- Find the newest successful run of each configuration, by the same code on the same engine.
-- $1 config_hashes   the hash of each
-- $2 source_digests  the digests of each one's strategies' sources, in order, with commas between; NULL if none has one
-- $3 engine_versions the version of the engine for each
-- $4 but             a run that does not count; NULL if all do
SELECT wanted.position, found.run_id
  FROM unnest($1::text[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (config_hash, source_digests, engine_version, position)
 CROSS JOIN LATERAL (
        SELECT r.run_id
          FROM backtest_runs AS r
         WHERE r.config_hash = wanted.config_hash
           AND r.status = 'success'
           AND r.run_id IS DISTINCT FROM $4::uuid
           AND r.provenance->>'engine_version' IS NOT DISTINCT FROM wanted.engine_version
           AND wanted.source_digests IS NOT DISTINCT FROM (
                SELECT string_agg(digest #>> '{}', ',' ORDER BY digest #>> '{}' COLLATE "C")
                  FROM jsonb_path_query(r.provenance, '$.source_sha256.*') AS digest
               )
         ORDER BY r.started_at DESC, r.run_id DESC
         LIMIT 1
       ) AS found
 ORDER BY wanted.position
