"""Tables for people: short numbers with their units, cut to the terminal, drawn by tabulate."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from backtest_store.cli.output.colours import coloured, has_colours
from backtest_store.cli.output.streams import StandardOutput
from backtest_store.cli.output.terminal_text import shorten, terminal_width, width

if TYPE_CHECKING:
    from tabulate import TableFormat

GAP = 2
LONGEST_TEXT = 60
WIDEST_MARKDOWN = 120  # other cells are not padded to one that is wider
ALWAYS_SHOWN = 0
CORE = 9
COMFORTABLE = 26
WIDE_ENOUGH = 18
BREAK = re.compile(r" |(?<=\w)([_.])(?=\w)")  # where a heading may go on in another line
_MARKDOWN = str.maketrans({"|": "\\|", "<": "&lt;", "\\": "\\\\"})


class TableColumn(NamedTuple):
    """A column of a table: a heading and printable texts, each with the colour it may have.

    `rank` is the place in the order of need; a column that is not `ALWAYS_SHOWN` may be left out.
    One that is not `flexible`, such as one of numbers, is never cut; others are cut to `most`,
    and not below `least`.
    """

    heading: str
    texts: tuple[str, ...]
    colours: Sequence[str] = ()
    right: bool = False
    flexible: bool = False
    least: int = 10
    most: int = LONGEST_TEXT
    rank: int = ALWAYS_SHOWN

    @property
    def width(self) -> int:
        """How many places the column takes."""
        return max(_widest(self.texts), *map(width, self.heading.split("\n")))

    @property
    def narrow(self) -> TableColumn:
        """The column with a heading of several lines, if it is wider than the texts."""
        if "\n" in self.heading or width(self.heading) <= _widest(self.texts):
            return self
        return self._replace(heading=BREAK.sub(r"\1\n", self.heading))

    @property
    def narrowest(self) -> int:
        """How many places the column takes when it is cut."""
        return min(self.width, self.least) if self.flexible else self.width

    @property
    def comfortable(self) -> int:
        """How many places the column takes when it is cut but easy to read."""
        return min(self.width, max(self.least, COMFORTABLE)) if self.flexible else self.width

    def cut(self, places: int) -> TableColumn:
        """Return the column at most so wide."""
        return self._replace(
            heading="\n".join(shorten(h, places) for h in self.heading.split("\n")),
            texts=tuple(shorten(text, places) for text in self.texts),
        )


@cache
def _widest(texts: tuple[str, ...]) -> int:
    return max(map(width, texts), default=0)


def blocks(columns: Sequence[TableColumn], places: int) -> Iterator[list[TableColumn]]:
    """Yield as many columns as fit, and the rest in turn, the first column with each of them."""
    labels, rest = columns[0], list(columns[1:])
    while rest:
        some = [labels, rest.pop(0)]
        while rest and _total(_beside_others(c) for c in [*some, rest[0]]) <= places:
            some.append(rest.pop(0))
        yield fitted(some, places)


def _beside_others(column: TableColumn) -> int:
    """Return how many places a column takes when it is cut to have more beside it."""
    return min(column.width, max(column.least, WIDE_ENOUGH))


def fitted(columns: Sequence[TableColumn], places: int) -> list[TableColumn]:
    """Leave out what is least needed and cut texts until all that is left fits."""
    every = [(c.cut(c.most) if c.flexible else c).narrow for c in columns]
    core = _fewer(every, places, lambda c: c.comfortable, least_rank=CORE)
    return _cut(_fewer(core, places, lambda c: c.narrowest, least_rank=ALWAYS_SHOWN + 1), places)


def _fewer(
    columns: list[TableColumn], places: int, width: Callable[[TableColumn], int], least_rank: int
) -> list[TableColumn]:
    """Leave out what is least needed until the rest is not too wide, or is needed more."""
    kept = list(columns)
    while _total(map(width, kept)) > places:
        least_needed = max(kept, key=lambda c: c.rank)
        if least_needed.rank < least_rank:
            break
        kept.remove(least_needed)
    return kept


def _cut(columns: list[TableColumn], places: int) -> list[TableColumn]:
    """Cut the widest texts first."""
    widths = [c.width for c in columns]
    excess = _total(widths) - places
    while excess > 0:
        wide = [i for i, c in enumerate(columns) if widths[i] > c.narrowest]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
        excess -= 1
    return [c.cut(w) if c.flexible else c for c, w in zip(columns, widths, strict=True)]


def _total(widths: Iterable[int]) -> int:
    every = list(widths)
    return sum(every) + GAP * (len(every) - 1)


def draw(columns: Sequence[TableColumn], style: str = "simple") -> None:
    """Write a table for a terminal, in one of tabulate's styles."""
    _draw(columns, style, colours=has_colours(sys.stdout))


def draw_in_blocks(columns: Sequence[TableColumn], *, is_markdown: bool) -> None:
    """Write a table of many columns, in several below each other where the terminal is narrow."""
    if is_markdown:
        draw_markdown(columns)
        return
    for number, some in enumerate(blocks(columns, terminal_width())):
        StandardOutput().write("\n" if number else "")
        draw(some)


def draw_markdown(columns: Sequence[TableColumn]) -> None:
    """Write a Markdown table, in which no cell is padded to one that is very wide."""
    from tabulate import DataRow, TableFormat

    row = DataRow("|", "|", "|")
    style = TableFormat(None, _markdown_rule, None, None, row, row, 1, None)
    escaped = [
        column._replace(texts=tuple(text.translate(_MARKDOWN) for text in column.texts))
        for column in columns
    ]
    _draw(escaped, style, widest=WIDEST_MARKDOWN)


def _markdown_rule(widths: Sequence[int], _: object) -> str:
    return "|" + "|".join("-" * min(places, WIDEST_MARKDOWN + 2) for places in widths) + "|"


def _draw(
    columns: Sequence[TableColumn],
    style: str | TableFormat,
    *,
    widest: int = sys.maxsize,
    colours: bool = False,
) -> None:
    """Write texts under headings.

    They are padded here, because tabulate measures wide characters only with a package whose
    import takes longer than the query that a list asks.
    """
    import tabulate

    tabulate.MIN_PADDING = 0
    table = tabulate.tabulate(
        zip(*(_padded(column, widest, colours=colours) for column in columns), strict=True),
        headers=[_padded_heading(c, widest) for c in columns] if columns[0].heading else (),
        tablefmt=style,
        stralign=None,
        disable_numparse=True,
        preserve_whitespace=True,
    )
    StandardOutput().write(table + "\n")


def _padded(column: TableColumn, widest: int, *, colours: bool) -> list[str]:
    """Return the texts of a column at one width; only the texts themselves have colours."""
    places = min(column.width, widest)
    every = column.colours if colours and column.colours else [""] * len(column.texts)
    return [
        _pad(text, places, colour, right=column.right)
        for text, colour in zip(column.texts, every, strict=True)
    ]


def _padded_heading(column: TableColumn, widest: int) -> str:
    places = min(column.width, widest)
    lines = column.heading.split("\n")
    return "\n".join(_pad(line, places, right=column.right) for line in lines)


def _pad(text: str, places: int, colour: str = "", *, right: bool) -> str:
    text = normalize("NFC", text)  # tabulate counts an accent of its own as a place
    space = " " * (places - width(text))
    shown = coloured(text, colour)
    return space + shown if right else shown + space
