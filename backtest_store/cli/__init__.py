"""The shell: options in, one query or use case, models out through one renderer."""

import gc

# What is imported stays; to look through it for garbage again and again is 5 % of a start.
gc.set_threshold(50_000)
