-- Which session keeps others from migrating this database?
SELECT format('role %s, server process %s', usename, pid)
  FROM pg_locks AS l
  JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
  JOIN pg_stat_activity AS a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND (l.classid::bigint << 32 | l.objid::bigint)
         = hashtextextended('backtest_store migrations', 0)
