"""The nearest of what there is, for a name that there is not: all that says "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3  # names that hold the word


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return what to append to a message about an unknown word: the nearest choice, or all."""
    known = sorted(choices)
    nearest = get_close_matches(word, known, n=1)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""


def suggestion(name: str, among: list[str]) -> str:
    """Return a hint at the nearest of some names, or at all of them."""
    word = name.strip().lower().replace("-", "_")
    holding = [each for each in among if word and word in each]
    nearest = holding[:MOST] or get_close_matches(word, among, n=1)
    if nearest:
        return f"did you mean {' or '.join(nearest)}?"
    return f"there are {', '.join(among)}"


def named_or_nearest(name: str, known: list[str]) -> str:
    """Return a name that there is not, with the nearest that there is, in whatever case."""
    spelt = {each.lower(): each for each in known}
    nearest = get_close_matches(name.lower(), spelt, n=1)
    return f"{name!r}; did you mean {spelt[nearest[0]]!r}?" if nearest else repr(name)
