"""What a value looks like: a secret that a machine made up, or a word, a number, an identifier."""

from __future__ import annotations

import re

SHORTEST_SECRET = 8
FEWEST_CHARACTERS = 6  # that differ
LONGEST_SYMBOL = 19  # of an instrument or a bar type, in capitals: an access key has 20
SHORTEST_WORD = 3
SHARE_OF_WORDS = 0.85  # of the letters: in what people name it is nearly all of them
LONGEST_RANDOM_RUN = 2.45  # letters of one case, or digits, on average

SYMBOL = re.compile(r"[A-Z0-9./:_-]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?")
DURATION = re.compile(r"(?:\d+(?:ns|us|ms|min|[smhdwDT]))+")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")  # of a token's contract, which everybody may know
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
IMPORTABLE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[A-Za-z_][\w.]*)?")
RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
# What stands alone says nothing about the rest: sma_20_50, ny_open.
ALONE = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]{1,2}|[0-9]+)(?![A-Za-z0-9])")
HEXADECIMAL = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{16,}")
VOWELS = frozenset("aeiouyAEIOUY")
IDENTIFIERS = (DATE, DURATION, ADDRESS, UUID)


def looks_random(text: str) -> bool:
    """Say whether a text has the length and the disorder of a secret that was made up."""
    if len(text) < SHORTEST_SECRET or len(set(text)) < FEWEST_CHARACTERS:
        return False
    if any(c.isspace() for c in text) or not any(c.isalpha() for c in text):
        return False
    return not is_identifier(text) and _is_disordered(text)


def is_identifier(text: str) -> bool:
    """Say whether a text has the form of a symbol, a date, a duration, an address or a UUID."""
    if len(text) <= LONGEST_SYMBOL and SYMBOL.fullmatch(text):
        return True
    return any(form.fullmatch(text) for form in IDENTIFIERS)


def names_something(text: str) -> bool:
    """Say whether a text as a whole is a number, an identifier or an importable path."""
    return (
        not any(c.isalpha() for c in text)
        or SYMBOL.fullmatch(text) is not None
        or IMPORTABLE.fullmatch(text) is not None
        or is_identifier(text)
    )


def is_importable(text: str) -> bool:
    """Say whether a text is the path of something in a package that is installed."""
    from importlib.util import find_spec

    if not IMPORTABLE.fullmatch(text):
        return False
    try:
        return find_spec(text.partition(".")[0].partition(":")[0]) is not None
    except (ImportError, ValueError):
        return False


def _is_disordered(text: str) -> bool:
    """Say whether letters and digits change too often, or too few make a word, for a name."""
    runs = RUN.findall(ALONE.sub("", text))
    if HEXADECIMAL.fullmatch(text) or sum(map(len, runs)) < LONGEST_RANDOM_RUN * len(runs):
        return True
    letters = [run for run in runs if run.isalpha()]
    # Letters may be a word, or an abbreviation such as BTC.
    words = [r for r in letters if r.isupper() or not VOWELS.isdisjoint(r)]
    in_words = sum(len(word) for word in words if len(word) >= SHORTEST_WORD)
    return in_words < SHARE_OF_WORDS * sum(map(len, letters))
