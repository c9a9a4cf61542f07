"""The private PostgreSQL server in BTSTORE_HOME."""
