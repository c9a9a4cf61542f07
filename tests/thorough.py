"""How much the tests try: a little each time, and much by `make test-long`."""

import os

IS_LONG = bool(os.environ.get("TESTS_LONG"))


def tries(few: int, many: int) -> int:
    """Return how many tries are worth their time now."""
    return many if IS_LONG else few
