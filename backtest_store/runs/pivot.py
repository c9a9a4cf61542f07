"""A metric over one or two parameters of runs, and whether its best is a plateau or a spike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any, Literal

from backtest_store.errors import UsageError
from backtest_store.models import METRIC_FIELDS
from backtest_store.runs import listing as listings
from backtest_store.runs.expressions.parameters import flattened, plain
from backtest_store.runs.listing import Listing
from backtest_store.runs.notebooks import html_tables
from backtest_store.runs.selectors import require_one_currency
from backtest_store.statistics.parameter_surface import (
    Cell,
    Neighbourhood,
    explained,
    neighbourhood,
)
from backtest_store.store import queries, sql
from backtest_store.store.sql import Condition, Db
from backtest_store.suggestions import suggestion

Aggregate = Literal["best", "median", "count"]
NULL = "null"  # as JSON
NEWEST = 50  # runs whose parameters are offered for one that none has
MOST_CELLS = 10_000


@dataclass(frozen=True)
class PivotCell:
    """The runs that share their inputs: how many there are, and their metric."""

    runs: int
    best: float
    median: float
    worst: float


@dataclass(frozen=True, kw_only=True)
class Pivot:
    """A metric over one or two inputs.

    `axes` has the values of each input, numbers in their order and texts after them; `cells` what
    is known at a place along each of them; `explained` the share of the metric's variance that each
    input explains by itself.
    """

    inputs: tuple[str, ...]
    metric: str
    axes: tuple[Sequence[Any], ...]
    cells: Mapping[Cell, PivotCell]
    explained: Mapping[str, float | None]

    def neighbourhood(self) -> Neighbourhood:
        """Look at what is around the best median; infinity is as high as the rest goes."""
        medians = {place: cell.median for place, cell in self.cells.items()}
        highest = max(filter(isfinite, medians.values()), default=0.0)
        return neighbourhood({place: min(value, highest) for place, value in medians.items()})

    def _repr_html_(self) -> str:
        return html_tables.pivot(self)

    def named(self, place: Cell) -> str:
        """Return the inputs of a cell as a person writes them."""
        values = (axis[n] for axis, n in zip(self.axes, place, strict=True))
        return ", ".join(f"{i} {plain(v)}" for i, v in zip(self.inputs, values, strict=True))

    def _written(self, value: float) -> str:
        is_fraction = METRIC_FIELDS[self.metric]["unit"] == "fraction"
        return f"{value:.2%}" if is_fraction else f"{value:,.2f}"

    def notes(self) -> Iterator[str]:
        """Yield what the table alone does not say."""
        around = self.neighbourhood()
        highest = self._written(self.cells[around.best].median)
        best = f"the best median {self.metric} is {highest}, at {self.named(around.best)}"
        if around.is_plateau is None or around.mean is None:
            yield f"{best}; nothing beside it tells a plateau from a spike"
        else:
            one = around.neighbours == 1
            mean, low = self._written(around.mean), self._written(around.low)
            its = (
                f"its 1 neighbour has {mean}"
                if one
                else (f"its {around.neighbours} neighbours have {mean} on average")
            )
            kind, nearer = ("plateau", "nearer") if around.is_plateau else ("spike", "no nearer")
            worst = f"the worst quarter ({low} and less)"
            yield f"{best}, a {kind}: {its}, {nearer} to it than to {worst}"
        for name, share in self.explained.items():
            if share is not None:
                yield f"{name} explains {share:.0%} of the variance of {self.metric}"


async def pivot(
    db: Db, where: Sequence[Condition], inputs: Sequence[str], metric: str
) -> Pivot | None:
    """Return a metric over one or two parameters of the runs that meet conditions, if any does.

    Runs without one of the parameters are left out. A parameter without any runs, or with too many
    values, is a UsageError, and so are amounts in several currencies.
    """
    counted = sql.condition("status", "success"), sql.condition("original")
    await require_one_currency(db, metric, (*where, *counted))
    paths = [name.split(".") for name in inputs]
    second = paths[1] if len(paths) > 1 else None
    found = await queries.inputs(db, first=paths[0], second=second, metric=metric, where=where)
    if not found:
        return None
    given = [(run.first, run.second)[: len(inputs)] for run in found]
    for name, values in zip(inputs, zip(*given, strict=True), strict=True):
        if not {*values} - {None, NULL}:
            raise await _no_such_parameter(db, where, name)
    groups: dict[tuple[str, ...], list[float]] = {}
    for run, key in zip(found, given, strict=True):
        known = tuple(_one_way(v) for v in key if v and v != NULL)
        if len(known) == len(inputs):
            groups.setdefault(known, []).append(run.value)
    return _pivot(groups, tuple(inputs), metric)


async def _no_such_parameter(db: Db, where: Sequence[Condition], name: str) -> UsageError:
    newest = await listings.page(db, Listing(tuple(where)), NEWEST)
    names = list(dict.fromkeys(n for run in newest for n in flattened(run.parameters)))
    return UsageError(f"no run has a parameter {name}", hint=suggestion(name, names))


def _pivot(
    groups: Mapping[tuple[str, ...], Sequence[float]], inputs: tuple[str, ...], metric: str
) -> Pivot:
    axes = [sorted({key[n] for key in groups}, key=_order) for n in range(len(inputs))]
    if len(axes[0]) * len(axes[-1]) > MOST_CELLS:
        raise UsageError(f"{' and '.join(inputs)} have too many values for a table")
    places = [{value: n for n, value in enumerate(axis)} for axis in axes]
    return Pivot(
        inputs=inputs,
        metric=metric,
        axes=tuple([json.loads(value) for value in axis] for axis in axes),
        cells={
            tuple(place[value] for place, value in zip(places, key, strict=True)): PivotCell(
                len(values), max(values), median(values), min(values)
            )
            for key, values in groups.items()
        },
        explained={name: _share(groups, n) for n, name in enumerate(inputs)},
    )


def _one_way(value: str) -> str:
    """Return a value as it is always written: 1.0, from another configuration, is 1."""
    read = json.loads(value)
    is_whole = isinstance(read, float) and read.is_integer()
    return json.dumps(int(read) if is_whole else read)


def _order(value: str) -> tuple[int, float, str]:
    """Put numbers in their order, and all else after them."""
    read = json.loads(value)
    if isinstance(read, (int, float)) and not isinstance(read, bool):
        return 0, float(read), ""
    return 1, 0.0, value


def _share(groups: Mapping[tuple[str, ...], Sequence[float]], place: int) -> float | None:
    pairs = [(key[place], value) for key, values in groups.items() for value in values]
    finite = [(key, value) for key, value in pairs if abs(value) != float("inf")]
    return explained(*zip(*finite, strict=True)) if finite else None
