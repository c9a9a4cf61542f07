"""A pivot as a picture, drawn by Matplotlib: SVG, PNG, or a page of its own around one."""

from __future__ import annotations

import io
import warnings
from html import escape
from typing import TYPE_CHECKING, Any

from backtest_store.cli.output.pages.pivot_page import ranks, shown
from backtest_store.cli.output.terminal_text import printable
from backtest_store.errors import StoreError
from backtest_store.runs.expressions.parameters import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from backtest_store.runs.pivot import Aggregate, Pivot

SHADES = 5
COLOURS = "YlGn"  # light enough for black figures up to its middle, and told apart in print
DARKEST = 8  # of the colours' end, so that figures stay readable
CELL_WIDTH, CELL_HEIGHT = 0.72, 0.32  # inches
MOST_WITH_FIGURES = 25  # values of an input beside which a cell is too small for a figure
MOST_INCHES = 18.0
DOTS_PER_INCH = 144
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",  # text stays text: it can be searched, and read aloud
    "svg.hashsalt": "btstore",  # the same runs give the same file
    "text.parse_math": False,  # a parameter may have a dollar sign in it
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 80rem; }}
body {{ margin: 2rem auto; padding: 0 1rem; }}
figure {{ margin: 0; overflow-x: auto; }}
h1 {{ font-size: 1.4rem; }}
@media (min-width: 60rem) {{ svg {{ max-width: 100%; height: auto; }} }}
</style></head>
<body><h1>{title}</h1><figure>{picture}</figure><ul>{notes}</ul></body></html>
"""


def page(pivot: Pivot, aggregate: Aggregate) -> bytes:
    """Return a page that needs nothing but itself."""
    svg = picture(pivot, aggregate, "svg").decode()
    notes = "".join(f"<li>{escape(printable(note))}</li>" for note in pivot.notes())
    title = escape(_title(pivot, aggregate))
    return PAGE.format(title=title, picture=svg[svg.index("<svg") :], notes=notes).encode()


def picture(pivot: Pivot, aggregate: Aggregate, kind: str) -> bytes:
    """Draw a row for each value of the first input, a column for each of the second: svg or png."""
    return drawn(lambda: _figure(pivot, aggregate), kind)


def drawn(figure: Callable[[], Figure], kind: str) -> bytes:
    """Return a figure as SVG or PNG, the same for the same figure."""
    try:
        import matplotlib as mpl
    except ImportError as error:
        hint = "install the extra `plots`; in a checkout: pip install -e '.[plots]'"
        raise StoreError("a picture needs Matplotlib, which is not installed", hint=hint) from error
    made = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a character that no font here has
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure().savefig(
            made, format=kind, dpi=DOTS_PER_INCH, bbox_inches="tight", metadata=metadata
        )
    return made.getvalue()


def _figure(pivot: Pivot, aggregate: Aggregate) -> Figure:
    from matplotlib.figure import Figure

    rows, columns = _labels(pivot)
    size = (
        min(2 + CELL_WIDTH * len(columns), MOST_INCHES),
        min(1 + CELL_HEIGHT * len(rows), MOST_INCHES),
    )
    figure = Figure(size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(_title(pivot, aggregate), loc="left", fontsize=11)
    _shade(axes, pivot, aggregate)
    _name(axes, pivot)
    if max(len(rows), len(columns)) <= MOST_WITH_FIGURES:
        for place, cell in pivot.cells.items():
            row, column = _at(place)
            axes.text(column, row, shown(pivot, cell, aggregate), ha="center", va="center")
    return figure


def _shade(axes: Axes, pivot: Pivot, aggregate: Aggregate) -> None:
    import numpy as np

    rows, columns = _labels(pivot)
    shades = np.full((len(rows), len(columns)), np.nan)
    for place, rank in ranks(pivot, aggregate, SHADES).items():
        shades[_at(place)] = rank
    edges = np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5
    axes.pcolormesh(*edges, shades, cmap=COLOURS, vmin=0, vmax=DARKEST, edgecolor="white")


def _name(axes: Axes, pivot: Pivot) -> None:
    """Write the values of the inputs beside the rows and above the columns."""
    rows, columns = _labels(pivot)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    for labels, set_ticks in ((rows, axes.set_yticks), (columns, axes.set_xticks)):
        places = range(0, len(labels), 1 + len(labels) // (2 * MOST_WITH_FIGURES))
        set_ticks(places, [labels[place] for place in places])
    axes.set_ylabel(printable(pivot.inputs[0]))
    axes.set_xlabel("".join(map(printable, pivot.inputs[1:])))
    axes.xaxis.set_label_position("top")


def _labels(pivot: Pivot) -> tuple[Sequence[str], Sequence[str]]:
    rows, *others = [[printable(plain(value)) for value in axis] for axis in pivot.axes]
    return rows, others[0] if others else [""]


def _at(place: tuple[int, ...]) -> tuple[int, int]:
    return place[0], place[1] if len(place) > 1 else 0


def _title(pivot: Pivot, aggregate: Aggregate) -> str:
    what = "runs" if aggregate == "count" else f"{aggregate} {pivot.metric}"
    return printable(f"{what} by {' and '.join(pivot.inputs)}")
