"""The table of the benchmark: what, figure, bar, and the ratio to a floor measured beside it."""

from typing import NamedTuple

WIDTHS = (46, 12, 18, 9, 5)


class Row(NamedTuple):
    """A line: a figure, its bar, and how many times the floor it is.

    `limit` is what the figure, or if `of_ratio` the ratio, must not be above (or below, if
    `at_least`).
    """

    what: str
    figure: float
    unit: str
    limit: float | None = None
    floor: float | None = None
    of_ratio: bool = False
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the floor the figure is."""
        return self.figure / self.floor if self.floor else None

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met; None if there is none."""
        measured = self.ratio if self.of_ratio else self.figure
        if self.limit is None or measured is None:
            return None
        return measured >= self.limit if self.at_least else measured <= self.limit


def heading(title: str) -> str:
    """Return a section's heading."""
    return f"\n{title}\n" + line("what", "figure", "bar", "× floor", "met")


def render(row: Row) -> str:
    """Return a row as a line of text."""
    met = {True: "yes", False: "NO", None: ""}[row.is_met]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return line(row.what, f"{amount(row.figure)} {row.unit}", bar(row), ratio, met) + (
        f"  {row.note}" if row.note else ""
    )


def bar(row: Row) -> str:
    """Return the bar in words."""
    if row.limit is None:
        return ""
    return f"{'≥' if row.at_least else '≤'} {row.limit:g} {'× floor' if row.of_ratio else row.unit}"


def amount(value: float) -> str:
    """Return a figure with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def line(*cells: str) -> str:
    """Align cells."""
    first, *rest = cells
    aligned = (cell.rjust(width) for cell, width in zip(rest, WIDTHS[1:], strict=True))
    return f"{first:<{WIDTHS[0]}} {' '.join(aligned)}"
