"""Text on a terminal: nothing in it acts on one, and it is measured, cut and wrapped in places."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from json.encoder import encode_basestring_ascii

WIDTH_OF_FILES = 120


def printable(text: str) -> str:
    """Write control, format and bidirectional characters as escapes, as repr() does."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f\x85":
        return " "
    return repr(character)[1:-1]


def printable_json(text: str) -> str:
    """Escape what a terminal would act on; only JSON strings can hold such characters."""
    if text.isprintable():
        return text
    return re.sub(r"[^ -~]+", lambda found: encode_basestring_ascii(found[0])[1:-1], text)


def printable_lines(lines: str) -> str:
    """Escape what a terminal would act on in lines of JSON."""
    if lines.replace("\n", "").isprintable():
        return lines
    return "\n".join(map(printable_json, lines.split("\n")))


def width(text: str) -> int:
    """Return how many places of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def shorten(text: str, places: int) -> str:
    """Cut a printable text to so many places, an ellipsis at its end."""
    if width(text) <= places:
        return text
    if text.isascii():
        return text[: places - 1] + "…"
    from rich.cells import set_cell_size

    return set_cell_size(text, places - 1) + "…"


def wrapped(text: str, places: int) -> Iterator[str]:
    """Yield a printable text in lines of so many places, broken at spaces where there are any."""
    start = 0
    while (characters := _fitting(text[start : start + 2 * places], places)) < len(text) - start:
        space = text.rfind(" ", start + 1, start + characters + 1)
        end = space if text[start : max(space, start)].strip() else start + characters
        yield text[start:end]
        start = end
        while text[start : start + 1] == " ":
            start += 1
    yield text[start:]


def _fitting(text: str, places: int) -> int:
    """Return how many characters of a text fit into so many places."""
    if text.isascii():
        return places
    from rich.cells import chop_cells

    return len((chop_cells(text, places) or [text])[0])


def terminal_width() -> int:
    """Return the width to fit: COLUMNS, the terminal's, or one that suits a file."""
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns):
        return int(columns)
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            if stream and (places := os.get_terminal_size(stream.fileno()).columns):
                return places
        except (OSError, ValueError):
            continue
    return WIDTH_OF_FILES
