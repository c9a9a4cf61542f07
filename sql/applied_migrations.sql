-- List the migrations that this database has.
SELECT migration_id FROM _yoyo_migration
