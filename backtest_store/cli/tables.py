"""Tables for people: short numbers with their units, cut to the terminal, drawn by tabulate."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TextIO

from backtest_store.cli import cells

GAP = 2
WIDTH_OF_FILES = 120
SHORTEST_TEXT = 10
LONGEST_TEXT = 200
ALWAYS = 0
TEXT = "simple"
MARKDOWN = "github"


@dataclass(frozen=True)
class Strip:
    """A column of a table: a heading and printable texts, each with the colour it may have.

    `rank` is the place in the order of need; a strip that is not `ALWAYS` there may be left out.
    A strip that is not `flexible`, such as one of numbers, is never cut.
    """

    heading: str
    texts: Sequence[str]
    colours: Sequence[str] = ()
    right: bool = False
    flexible: bool = False
    rank: int = ALWAYS

    @property
    def width(self) -> int:
        """How many places the strip takes."""
        return max(map(cells.width, (self.heading, *self.texts)))

    @property
    def least(self) -> int:
        """How many places the strip takes at least."""
        return min(self.width, SHORTEST_TEXT) if self.flexible else self.width

    def cut(self, places: int) -> Strip:
        """Return the strip at most so wide."""
        return replace(
            self,
            heading=cells.shorten(self.heading, places),
            texts=[cells.shorten(text, places) for text in self.texts],
        )


def fitted(strips: Sequence[Strip], places: int) -> list[Strip]:
    """Leave out what is least needed and cut texts until all that is left fits."""
    strips = [s.cut(LONGEST_TEXT) if s.flexible else s for s in strips]
    while _total(s.least for s in strips) > places:
        least_needed = max(strips, key=lambda s: s.rank)
        if least_needed.rank == ALWAYS:
            break
        strips.remove(least_needed)
    return _cut(strips, places)


def _cut(strips: list[Strip], places: int) -> list[Strip]:
    """Cut the widest texts first."""
    widths = [s.width for s in strips]
    excess = _total(widths) - places
    while excess > 0:
        wide = [i for i, s in enumerate(strips) if widths[i] > s.least]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
        excess -= 1
    return [s.cut(w) if s.flexible else s for s, w in zip(strips, widths, strict=True)]


def total_width(strips: Sequence[Strip]) -> int:
    """Return how many places strips take beside each other."""
    return _total(strip.width for strip in strips)


def _total(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def draw(strips: Sequence[Strip], out: TextIO, style: str = TEXT) -> None:
    """Write strips as a table of tabulate's."""
    tabulate = _tabulate()
    paint = coloured(out) and style == TEXT
    columns = [_painted(strip) if paint else strip.texts for strip in strips]
    aligns = ["right" if strip.right else "left" for strip in strips]
    rows = list(zip(*columns, strict=True))
    out.write(
        tabulate.tabulate(
            rows,
            headers=[strip.heading for strip in strips],
            tablefmt=style,
            colalign=aligns if rows else None,
            headersalign=aligns if rows else None,
            disable_numparse=True,
        )
        + "\n"
    )


def _painted(strip: Strip) -> list[str]:
    return [
        f"\x1b[{colour}m{text}\x1b[0m" if colour else text
        for text, colour in zip(strip.texts, strip.colours or [""] * len(strip.texts), strict=True)
    ]


def coloured(out: TextIO) -> bool:
    """Say whether colours may be written: to a terminal whose user does not mind."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_width() -> int:
    """Return the width to fit: COLUMNS, the terminal's, or one that suits a file."""
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns):
        return int(columns)
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            if stream and (width := os.get_terminal_size(stream.fileno()).columns):
                return width
        except (OSError, ValueError):
            continue
    return WIDTH_OF_FILES


def _tabulate() -> ModuleType:
    """Import tabulate, which needs two modules less than it imports.

    It asks importlib.metadata for its own version (36 ms) and takes wcwidth, if it is there, for
    the width of a text (50 ms); the first stands aside for a moment, the second is `cells.width`.
    """
    metadata = ModuleType("importlib.metadata")
    metadata.version, metadata.PackageNotFoundError = str, ImportError  # type: ignore[attr-defined]
    widths = ModuleType("wcwidth")
    widths.wcswidth = cells.width  # type: ignore[attr-defined]
    with _instead(metadata, widths):
        import tabulate
    tabulate.MIN_PADDING = 0
    return tabulate


@contextmanager
def _instead(*modules: ModuleType) -> Iterator[None]:
    """Let modules stand in for those of the same names."""
    names = [module.__name__ for module in modules]
    own = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update({module.__name__: module for module in modules})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(own)
