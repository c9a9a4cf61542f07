-- Is this session's process the one that the connection was told of? Behind a pooler it is not.
SELECT 1 WHERE pg_backend_pid() = 0 /* pid */
