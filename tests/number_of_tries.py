"""How much the tests try: a little each time, and much by `make test-long`."""

import os
from collections.abc import Hashable, Iterable
from typing import TypeVar

Case = TypeVar("Case", bound=Hashable)
IS_LONG = bool(os.environ.get("TESTS_LONG"))


def tries(few: int, many: int) -> int:
    """Return how many tries are worth their time now."""
    return many if IS_LONG else few


def some(cases: Iterable[Case], *few: Case) -> list[Case]:
    """Return the cases that are worth their time now: these few, or all."""
    known = list(cases)
    assert set(few) <= set(known), "a case is called something else now"
    return known if IS_LONG else list(few)
