-- Keep other processes from migrating this database, unless one does; the lock ends with the session.
SELECT pg_try_advisory_lock(hashtextextended('backtest_store migrations', 0))
