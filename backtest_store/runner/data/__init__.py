"""Market data and instruments for `btstore run`."""
