"""A metric over one or two inputs: is the best of it a plateau or a spike, and what explains it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean, quantiles

Cell = tuple[int, ...]

PLATEAU = 0.5  # of the way from the lower quartile of all cells to the best one


@dataclass(frozen=True)
class Neighbourhood:
    """The best cell of a surface and how many next to it, diagonals included, have a value.

    `mean` is theirs and `low` the lower quartile of all cells: not the median, which a hill that
    covers half of the surface has raised to its own height. `height` is how high the mean lies on
    the way from there (0) to the best cell (1).
    """

    best: Cell
    neighbours: int
    mean: float | None
    low: float
    height: float | None

    @property
    def is_plateau(self) -> bool | None:
        """Tell whether the neighbours are good, too; None if it cannot be told."""
        return None if self.height is None else self.height >= PLATEAU


def neighbourhood(cells: Mapping[Cell, float]) -> Neighbourhood:
    """Look at what surrounds the best of the cells that have a value, more being better."""
    best = max(cells, key=lambda cell: (cells[cell], tuple(-place for place in cell)))
    steps = [step for step in product((-1, 0, 1), repeat=len(best)) if any(step)]
    around = [tuple(p + s for p, s in zip(best, step, strict=True)) for step in steps]
    known = [cells[cell] for cell in around if cell in cells]
    low, high = _lower_quartile(list(cells.values())), cells[best]
    mean = fmean(known) if known else None
    height = (mean - low) / (high - low) if mean is not None and high > low else None
    return Neighbourhood(best, len(known), mean, low, height)


def _lower_quartile(values: Sequence[float]) -> float:
    return quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def explained(inputs: Sequence[Hashable], values: Sequence[float]) -> float | None:
    """Compute the share of a metric's variance that one input explains; None if it does not vary.

    It is eta squared, the variance between the means of the runs that share a value over the
    variance of all runs: R. A. Fisher's correlation ratio ("Statistical Methods for Research
    Workers", 1925, section 45). An input with a value of its own for each run explains all.
    """
    mean = fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    if total <= 1e-28 * sum(value**2 for value in values):
        return None
    groups: dict[Hashable, list[float]] = {}
    for key, value in zip(inputs, values, strict=True):
        groups.setdefault(key, []).append(value)
    between = sum(len(group) * (fmean(group) - mean) ** 2 for group in groups.values())
    return min(between / total, 1.0)
