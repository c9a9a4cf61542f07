"""Rows, records and pages, as tables, CSV, JSON and Markdown."""
