"""Connections to PostgreSQL: which server, how long to wait for it, and what went wrong."""
