"""Name the right word for a mistyped one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return what to append to a message about an unknown word: the nearest choice, or all."""
    known = sorted(choices)
    nearest = get_close_matches(word, known, n=1, cutoff=0.6)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""
