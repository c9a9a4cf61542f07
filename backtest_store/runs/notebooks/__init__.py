"""Runs as notebooks show them: data frames of pandas and polars, tables of HTML."""
