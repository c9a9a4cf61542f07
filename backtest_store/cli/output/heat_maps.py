"""A pivot as a picture: an SVG, or a page of its own around one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from backtest_store.cli.output.pivots import ranks, shown
from backtest_store.cli.output.text import printable
from backtest_store.runs.pivot import text

if TYPE_CHECKING:
    from backtest_store.runs.pivot import Aggregate, Pivot

# From the worst to the best, each light enough for black figures.
FILLS = ("#f2f2f2", "#d9f0d3", "#b2e2a8", "#86cf7f", "#55b567")
CELL_WIDTH, CELL_HEIGHT, MARGIN = 64, 28, 12
PER_CHARACTER = 8
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; }}
figure {{ margin: 0; overflow-x: auto; }}
</style></head>
<body><h1>{title}</h1><figure>{picture}</figure><ul>{notes}</ul></body></html>
"""


def page(pivot: Pivot, aggregate: Aggregate) -> str:
    """Return a page that needs nothing but itself."""
    notes = "".join(f"<li>{_text(note)}</li>" for note in pivot.notes())
    return PAGE.format(
        title=_text(_title(pivot, aggregate)), picture=picture(pivot, aggregate), notes=notes
    )


def picture(pivot: Pivot, aggregate: Aggregate) -> str:
    """Return an SVG: a row for each value of the first input, a column for each of the other."""
    rows = [text(value) for value in pivot.axes[0]]
    columns = [text(value) for value in pivot.axes[1]] if len(pivot.axes) > 1 else [""]
    left = MARGIN + PER_CHARACTER * max(len(pivot.inputs[0]), *map(len, rows))
    top = 3 * CELL_HEIGHT
    width, height = (
        left + CELL_WIDTH * len(columns) + MARGIN,
        top + CELL_HEIGHT * len(rows) + MARGIN,
    )
    heads = _heads(pivot, (rows, columns), left, top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' width="{width}" height="{height}" font-family="sans-serif" font-size="13">'
        f"<title>{_text(_title(pivot, aggregate))}</title>"
        f"{''.join(heads)}{''.join(_cells(pivot, aggregate, left, top))}</svg>\n"
    )


def _title(pivot: Pivot, aggregate: Aggregate) -> str:
    what = "runs" if aggregate == "count" else f"{aggregate} {pivot.metric}"
    return f"{what} by {' and '.join(pivot.inputs)}"


def _heads(
    pivot: Pivot, labels: tuple[Sequence[str], Sequence[str]], left: int, top: int
) -> Iterator[str]:
    rows, columns = labels
    yield _label(left - 6, top - 8, pivot.inputs[0], "end")
    if len(pivot.inputs) > 1:
        yield _label(left, CELL_HEIGHT, pivot.inputs[1], "start")
    for n, label in enumerate(columns):
        yield _label(left + CELL_WIDTH * n + CELL_WIDTH // 2, top - 8, label, "middle")
    for n, label in enumerate(rows):
        yield _label(left - 6, top + CELL_HEIGHT * n + 19, label, "end")


def _cells(pivot: Pivot, aggregate: Aggregate, left: int, top: int) -> Iterator[str]:
    of_five = ranks(pivot, aggregate, len(FILLS))
    for place, cell in sorted(pivot.cells.items()):
        row, column = place if len(place) > 1 else (place[0], 0)
        x, y = left + CELL_WIDTH * column, top + CELL_HEIGHT * row
        yield (
            f'<rect x="{x}" y="{y}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}"'
            f' fill="{FILLS[of_five[place]]}"/>'
        )
        yield _label(x + CELL_WIDTH // 2, y + 19, shown(pivot, cell, aggregate), "middle", "#000")


def _label(x: int, y: int, label: str, anchor: str, fill: str = "currentColor") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{fill}">{_text(label)}</text>'


def _text(label: str) -> str:
    return escape(printable(label))
