-- Find the newest successful run of each configuration, by the same code on the same engine.
-- $1 config_hashes   the hash of each; nothing is the same as one that is not known
-- $2 code_hashes     the hash of each one's code
-- $3 engine_versions the version of the engine for each
-- $4 excluded        a run that does not count; NULL if all do
SELECT wanted.position, found.run_id
  FROM unnest($1::text[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (config_hash, code_hash, engine_version, position)
 CROSS JOIN LATERAL (
        SELECT r.run_id
          FROM backtest_runs AS r
         WHERE r.config_hash = wanted.config_hash
           AND r.code_hash = wanted.code_hash
           AND unpacked(r.provenance)->>'engine_version' = wanted.engine_version
           AND r.status = 'success'
           AND r.run_id IS DISTINCT FROM $4::uuid
         ORDER BY r.started_at DESC, r.run_id DESC
         LIMIT 1
       ) AS found
 ORDER BY wanted.position
