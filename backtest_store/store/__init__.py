"""PostgreSQL: where the store is, how it is reached, its schema and its queries."""
