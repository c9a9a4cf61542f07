"""The combinations of parameter values that a grid asks for."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from backtest_store.errors import UsageError
from backtest_store.runner.config.config import BacktestConfig, parse_config, with_overrides

# Commas separate values, but not inside of brackets or quotes.
_VALUE = re.compile(r"""(?:\[[^\]]*\]|\{[^}]*\}|"[^"]*"|[^,])+""")
_JSON_STARTS = ("[", "{", '"')


@dataclass(frozen=True)
class Combination:
    """One backtest of a grid: its config, and the values by which it differs from the others."""

    config: BacktestConfig
    label: str


@dataclass(frozen=True)
class Impossible:
    """A combination that cannot be run, and why."""

    label: str
    reason: str


def parse_grid(settings: Iterable[str]) -> dict[str, list[object]]:
    """Read ``name=value,value`` settings.

    Parameters
    ----------
    settings : iterable of str
        Each a parameter's name or a dotted key such as ``data.start``, and its values; a value in
        brackets or quotes is JSON.

    Returns
    -------
    dict
        The values of each key, in order, each once.

    Raises
    ------
    UsageError
        If a setting has no name or no value, or a name comes twice.
    """
    grid: dict[str, list[object]] = {}
    for setting in settings:
        key, _, values = setting.partition("=")
        key = key.strip()
        if not key or not values.strip():
            raise UsageError(
                f"--set {setting}: a name and its values are needed",
                hint="write --set fast_period=5,10,20",
            )
        if key in grid:
            raise UsageError(f"--set {key} is given twice", hint=f"write --set {key}=5,10,20")
        grid[key] = list(_values(setting, values))
    return grid


def combinations(
    config: BacktestConfig, grid: Mapping[str, Sequence[object]], *, name: str = ""
) -> Iterator[Combination | Impossible]:
    """Yield each combination of the grid's values in a config.

    Parameters
    ----------
    config : BacktestConfig
        Where everything else comes from.
    grid : mapping
        From `parse_grid`; if it is empty, the config itself is the one combination.
    name : str
        What labels call the config.
    """
    for values in product(*grid.values()):
        overrides = dict(zip(grid, values, strict=True))
        said = ", ".join(f"{key}={value}" for key, value in overrides.items())
        label = ": ".join(filter(None, (name, said)))
        try:
            yield Combination(with_overrides(config, overrides), label)
        except UsageError as error:
            yield Impossible(label, str(error))


def described(
    config: BacktestConfig, *, name: str | None, note: str | None, tags: Sequence[str]
) -> BacktestConfig:
    """Return a config whose runs are listed under another name, with a note and further tags."""
    said = {"name": name, "note": note, "tags": [*config.tags, *tags] if tags else None}
    given = {key: value for key, value in said.items() if value is not None}
    return parse_config(config.model_dump(exclude_unset=True) | given, origin="the command line")


def _values(setting: str, text: str) -> Iterator[object]:
    seen = set()
    for value in _VALUE.findall(text):
        stripped = value.strip()
        if stripped and stripped not in seen:
            seen.add(stripped)
            yield _value(setting, stripped)


def _value(setting: str, text: str) -> object:
    if not text.startswith(_JSON_STARTS):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"--set {setting}: {text} is not JSON: {error}") from None
