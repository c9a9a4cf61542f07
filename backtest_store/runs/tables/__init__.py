"""Runs as tables: typed columns, parameters in columns of their own; for pandas, polars, HTML."""
