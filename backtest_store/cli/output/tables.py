"""Tables for people: short numbers with their units, cut to the terminal, drawn by tabulate."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import NamedTuple

from backtest_store.cli.output import cells
from backtest_store.cli.output.streams import StandardOutput

GAP = 2
WIDTH_OF_FILES = 120
LONGEST_TEXT = 60
WIDEST_ALIGNED = 120
ALWAYS = 0
CORE = 9
COMFORTABLE = 26
WIDE_ENOUGH = 18
_MARKDOWN = str.maketrans({"|": "\\|", "<": "&lt;", "\\": "\\\\"})


class Strip(NamedTuple):
    """A column of a table: a heading and printable texts, each with the colour it may have.

    `rank` is the place in the order of need; a strip that is not `ALWAYS` there may be left out.
    A strip that is not `flexible`, such as one of numbers, is never cut; others are cut to `most`,
    and not below `least`.
    """

    heading: str
    texts: tuple[str, ...]
    colours: Sequence[str] = ()
    right: bool = False
    flexible: bool = False
    least: int = 10
    most: int = LONGEST_TEXT
    rank: int = ALWAYS

    @property
    def width(self) -> int:
        """How many places the strip takes."""
        return max(_widest(self.texts), *map(cells.width, self.heading.split("\n")))

    @property
    def narrow(self) -> Strip:
        """The strip with a heading of several lines, if it is wider than the texts."""
        if cells.width(self.heading) <= _widest(self.texts):
            return self
        return self._replace(heading=self.heading.replace(" ", "\n"))

    @property
    def narrowest(self) -> int:
        """How many places the strip takes when it is cut."""
        return min(self.width, self.least) if self.flexible else self.width

    @property
    def comfortable(self) -> int:
        """How many places the strip takes when it is cut but easy to read."""
        return min(self.width, max(self.least, COMFORTABLE)) if self.flexible else self.width

    def cut(self, places: int) -> Strip:
        """Return the strip at most so wide."""
        return self._replace(
            heading="\n".join(cells.shorten(h, places) for h in self.heading.split("\n")),
            texts=tuple(cells.shorten(text, places) for text in self.texts),
        )


@cache
def _widest(texts: tuple[str, ...]) -> int:
    return max(map(cells.width, texts), default=0)


def blocks(strips: Sequence[Strip], places: int) -> Iterator[list[Strip]]:
    """Yield as many strips as fit, and the rest in turn, the first strip with each of them."""
    labels, rest = strips[0], list(strips[1:])
    while rest:
        some = [labels, rest.pop(0)]
        while rest and _total(_beside_others(s) for s in [*some, rest[0]]) <= places:
            some.append(rest.pop(0))
        yield fitted(some, places)


def _beside_others(strip: Strip) -> int:
    """Return how many places a strip takes when its texts are cut to have more strips beside it."""
    return min(strip.width, max(strip.least, WIDE_ENOUGH))


def fitted(strips: Sequence[Strip], places: int) -> list[Strip]:
    """Leave out what is least needed and cut texts until all that is left fits."""
    every = [(s.cut(s.most) if s.flexible else s).narrow for s in strips]
    core = _fewer(every, places, lambda s: s.comfortable, least_rank=CORE)
    return _cut(_fewer(core, places, lambda s: s.narrowest, least_rank=ALWAYS + 1), places)


def _fewer(
    strips: list[Strip], places: int, width: Callable[[Strip], int], least_rank: int
) -> list[Strip]:
    """Leave out what is least needed until the rest is not too wide, or is needed more."""
    kept = list(strips)
    while _total(map(width, kept)) > places:
        least_needed = max(kept, key=lambda s: s.rank)
        if least_needed.rank < least_rank:
            break
        kept.remove(least_needed)
    return kept


def _cut(strips: list[Strip], places: int) -> list[Strip]:
    """Cut the widest texts first."""
    widths = [s.width for s in strips]
    excess = _total(widths) - places
    while excess > 0:
        wide = [i for i, s in enumerate(strips) if widths[i] > s.narrowest]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
        excess -= 1
    return [s.cut(w) if s.flexible else s for s, w in zip(strips, widths, strict=True)]


def _total(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def draw(strips: Sequence[Strip], out: StandardOutput) -> None:
    """Write a table for a terminal."""
    columns = [_painted(strip) if coloured(out) else strip.texts for strip in strips]
    _draw(strips, columns, out, "simple")


def draw_bare(strips: Sequence[Strip], out: StandardOutput) -> None:
    """Write a table without headings."""
    _draw(strips, [strip.texts for strip in strips], out, "plain")


def draw_markdown(strips: Sequence[Strip], out: StandardOutput) -> None:
    """Write a Markdown table."""
    columns = [[_in_markdown(text) for text in strip.texts] for strip in strips]
    _draw(strips, columns, out, "github", widest=WIDEST_ALIGNED)


def _draw(
    strips: Sequence[Strip],
    columns: Sequence[Sequence[str]],
    out: StandardOutput,
    style: str,
    widest: int = sys.maxsize,
) -> None:
    """Write texts under headings; those wider than `widest` have no others padded to them."""
    aligns = ["right" if strip.right else "left" for strip in strips] if columns[0] else None
    table = _tabulate(widest).tabulate(
        zip(*columns, strict=True),
        headers=[strip.heading for strip in strips] if any(s.heading for s in strips) else (),
        tablefmt=style,
        colalign=aligns,
        headersalign=aligns,
        disable_numparse=True,
        preserve_whitespace=True,
    )
    out.write(table + "\n")


def _in_markdown(text: str) -> str:
    """Escape what would be a cell's end or a tag."""
    return text.translate(_MARKDOWN)


def _painted(strip: Strip) -> list[str]:
    return [
        f"\x1b[{colour}m{text}\x1b[0m" if colour else text
        for text, colour in zip(strip.texts, strip.colours or [""] * len(strip.texts), strict=True)
    ]


def coloured(out: StandardOutput) -> bool:
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


def _tabulate(widest: int) -> ModuleType:
    """Import tabulate, which needs two modules less than it imports.

    It asks importlib.metadata for its own version (36 ms) and takes wcwidth, if it is there, for
    the width of a text (50 ms); the first stands aside for a moment, the second is `cells.width`.
    """
    metadata = ModuleType("importlib.metadata")
    metadata.version, metadata.PackageNotFoundError = str, ImportError  # type: ignore[attr-defined]
    widths = ModuleType("wcwidth")
    widths.wcswidth = lambda text: _width(text, widest)  # type: ignore[attr-defined]
    with _instead(metadata, widths):
        import tabulate
    tabulate.MIN_PADDING = 0
    # Whoever imported it first may have given it another wcwidth, or none.
    tabulate.wcwidth, tabulate.WIDE_CHARS_MODE = widths, True  # type: ignore[attr-defined]
    return tabulate


def _width(text: str, widest: int) -> int:
    """Return the width of a text, as far as it matters."""
    return widest if len(text) > 2 * widest else min(cells.width(text), widest)


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
