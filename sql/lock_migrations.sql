-- Wait until no other process migrates this database; the lock ends with the session.
SELECT pg_advisory_lock(hashtextextended('backtest_store migrations', 0))
