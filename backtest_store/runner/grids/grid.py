"""The backtests that a grid asks for: every combination of its values, or some of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, product
from math import prod
from typing import Any, NoReturn

from backtest_store.errors import UsageError
from backtest_store.models import Json
from backtest_store.runner.config.file import Origin, Place
from backtest_store.runner.config.grid_section import GridConfig
from backtest_store.runner.config.loading import Config, described, validated, with_overrides
from backtest_store.runner.grids.constraints import constraint, values_of
from backtest_store.runner.grids.ranges import listed, written
from backtest_store.runner.grids.walk_windows import windows

_MOST = 1_000_000


@dataclass(frozen=True)
class Combination:
    """One backtest of a grid: its config, and the values by which it differs from the others."""

    config: Config
    label: str


@dataclass(frozen=True)
class NotRun:
    """A backtest that could not be run, and why."""

    reason: str
    label: str = ""
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.reason}" if self.label else self.reason


@dataclass(frozen=True)
class Grid:
    """The values that vary."""

    # each a list of settings that go together; the grid is the product of the groups
    groups: list[list[Json]] = field(default_factory=list)
    # from when to when each combination is run, all of them; none if all run over all data
    periods: list[Json] = field(default_factory=list)
    # comparisons that each combination must satisfy
    constraints: list[str] = field(default_factory=list)
    sample: int | None = None  # how many combinations to draw at random, by `seed`
    seed: int = 0
    name: str | None = None  # what the batch of runs is called
    typed: frozenset[str] = frozenset()  # what `--set` varies, and not the file

    def combined(self, other: Grid) -> Grid:
        """Return a grid that varies what another varies too; where both do, the other decides."""
        theirs = {key for group in other.groups for setting in group for key in setting}

        def is_kept(group: list[Json]) -> bool:
            return not any(theirs & setting.keys() for setting in group)

        periods = self.periods if is_kept(self.periods) else []
        groups = [*filter(is_kept, self.groups), *other.groups]
        return replace(self, groups=groups, periods=periods, typed=other.typed)

    def settings(self, config: Config) -> Iterator[Json]:
        """Yield the settings of each combination that satisfies the constraints."""
        every = (merged(each) for each in product(*self.groups))
        kept = filter(None, ([*self._over_time(config, each)] for each in every))
        if self.sample is None:
            yield from chain.from_iterable(kept)
            return
        found = list(kept)
        chance = random.Random(self.seed)  # noqa: S311 - chance that can be repeated
        for place in sorted(chance.sample(range(len(found)), min(self.sample, len(found)))):
            yield from found[place]

    def _over_time(self, config: Config, settings: Json) -> Iterator[Json]:
        """Yield a combination over each of the periods in which it satisfies the constraints."""
        over_time = [settings | period for period in self.periods] or [settings]
        return (each for each in over_time if self.allows(config, each))

    def allows(self, config: Config, settings: Json) -> bool:
        """Tell whether a combination satisfies the constraints."""
        values = values_of(config, settings)
        with config.origin.placing(("grid", "constraints")):
            return all(constraint(text)(values) for text in self.constraints)

    def combination(self, config: Config, settings: Json, name: str = "") -> Combination | NotRun:
        """Return a config with some of the settings."""
        overrides = {key: value for key, value in settings.items() if key != "tags"}
        said = ", ".join(f"{key}={value}" for key, value in overrides.items())
        label = ": ".join(filter(None, (name, said)))
        places = {k: config.origin.at(["grid", k]) for k in overrides if k not in self.typed}
        try:
            tagged = described(config, name=None, note=None, tags=settings.get("tags", ()))
            return Combination(with_overrides(tagged, overrides, places), label)
        except UsageError as error:
            return NotRun(str(error), label)


def parse_settings(settings: Iterable[str]) -> Grid:
    """Read ``name=value,value`` and ``name=from..to:step`` settings."""
    values: dict[str, list[object]] = {}
    for setting in settings:
        key, _, text = setting.partition("=")
        key = key.strip()
        if not key or not text.strip():
            raise UsageError(
                f"--set {setting}: a name and its values are needed",
                hint="write --set fast_period=5,10,20 or --set fast_period=5..50:5",
            )
        if key in values:
            raise UsageError(f"--set {key} is given twice", hint=f"write --set {key}=5,10,20")
        values[key] = list(written(text, Place((), Origin(f"--set {setting}"))))
    groups = [[{key: value} for value in each] for key, each in values.items()]
    return Grid(groups, typed=frozenset(values))


def combinations(config: Config, grid: Grid, *, name: str = "") -> Iterator[Combination | NotRun]:
    """Yield each combination of the grid's values in a config."""
    is_empty = True
    for settings in grid.settings(config):
        is_empty = False
        yield grid.combination(config, settings, name)
    if is_empty:
        excluded(config, grid)


def excluded(config: Config, grid: Grid) -> NoReturn:
    """Say of a grid without a combination what excludes them all."""
    listed = ", ".join(repr(constraint) for constraint in grid.constraints)
    place = Place(("grid", "constraints"), config.origin)
    place.refuse(f"no combination satisfies {listed}; change that or the values")


def grid_of(config: Config) -> Grid:
    """Return the grid that a config file holds; an empty one if it holds none."""
    top, known = Place(("grid",), config.origin), GridConfig.model_fields.keys()
    given = {key: value for key, value in config.grid.items() if key in known}
    said = validated(GridConfig, given, config, top.keys)
    varying = {key: value for key, value in config.grid.items() if key not in known}
    groups = [[{k: v} for v in listed(value, top.below(k))] for k, value in _flat(varying)]
    groups += [_zipped(group, top.below("zip", n)) for n, group in enumerate(said.zip)]
    periods = _periods(said, config, top.below("walk"))
    size = prod(map(len, [*groups, periods or [{}]]))
    if size > _MOST:
        top.refuse(f"has {size:,} combinations; {_MOST:,} are the most")
    return Grid(groups, periods, said.constraints, said.sample, said.seed, said.name)


def _flat(values: Json, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the keys of a grid, dotted where a table is within a table."""
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and not set(value) & {"from", "to"}:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _zipped(group: Json, place: Place) -> list[Json]:
    """Return settings that go together: the first values of all keys, the second of all …."""
    lists = {key: listed(value, place.below(key)) for key, value in _flat(group)}
    if len({len(values) for values in lists.values()}) > 1:
        sizes = ", ".join(f"{key} {len(values)}" for key, values in lists.items())
        place.refuse(f"lists that go together are equally long, were {sizes}")
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _periods(said: GridConfig, config: Config, place: Place) -> list[Json]:
    """Return the settings of each period; `place` is that of the walk."""
    above = "" if config.is_long else "data."
    if said.walk is None:
        return [
            {f"{above}{key}": time for key, time in period if time is not None}
            for period in said.periods
        ]
    if said.periods:
        place.refuse("give walk or periods, not both")
    start, end = (_limit(config, key, place) for key in ("start", "end"))
    return [
        {f"{above}start": window.start, f"{above}end": window.end, "tags": [window.tag]}
        for window in windows(said.walk, start, end, place)
    ]


def _limit(config: Config, key: str, place: Place) -> str:
    held = config.content if config.is_long else config.content.get("data")
    entry = held[0] if isinstance(held, list) else held
    value = entry.get(key) if isinstance(entry, dict) else None
    if value is None:
        place.refuse(f"needs data.start and data.end, and there is no data.{key}")
    return str(value)


def merged(settings: Iterable[Json]) -> Json:
    """Return settings as one."""
    return {key: value for setting in settings for key, value in setting.items()}
