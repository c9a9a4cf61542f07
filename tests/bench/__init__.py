"""Measure the store at a million runs: `make bench`, or `python -m tests.bench`."""
