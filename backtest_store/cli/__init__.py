"""The shell: options in, one query or use case, models out through one renderer."""
