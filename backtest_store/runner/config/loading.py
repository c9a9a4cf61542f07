"""A config file as it was read: in NautilusTrader's own terms, or in the short form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from backtest_store.errors import UsageError
from backtest_store.runner.config.file import KeyPath, Origin, dotted, read_config_file, stated
from backtest_store.runner.config.value_types import in_words
from backtest_store.suggestions import did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError

    from backtest_store.models import Json
    from backtest_store.runner.config.short_form import Details, Section, ShortForm

Checked = TypeVar("Checked", bound="Section")
# What a config says of its runs beside what NautilusTrader is told.
DETAILS = ("name", "type", "tags", "note")
_RUN_KEYS = ("start", "end", "chunk_size")  # of a `BacktestRunConfig`, and not of its strategy
_STRATEGY_KEYS = ("strategy", "strategy_config", "parameters")


@dataclass(frozen=True)
class Config:
    """What a config file, or the command line over it, says about one backtest."""

    content: Json  # in NautilusTrader's terms if it has `venues`, else in the short form
    origin: Origin  # where it was written
    directory: Path  # where relative paths begin and the user's own strategies are looked for first
    grid: Json = field(default_factory=dict)  # what varies, as the file has it
    # what was set over the file, by the names that it was set under
    inputs: Json = field(default_factory=dict)

    @property
    def is_long(self) -> bool:
        """Whether it is a `BacktestRunConfig`."""
        return "venues" in self.content

    @cached_property
    def short(self) -> ShortForm:
        """The short form, checked as far as it can be without NautilusTrader."""
        from backtest_store.runner.config.short_form import ShortForm

        return validated(ShortForm, _listed(self.content, self.origin), self)

    @property
    def details(self) -> Details:
        """Its name, type, tags and note."""
        from backtest_store.runner.config.short_form import Details

        given = {key: self.content[key] for key in DETAILS if self.content.get(key) is not None}
        return validated(Details, given, self)

    def locate(self, path: Path) -> Path:
        """Return where a path in this config is."""
        return self.directory / path.expanduser()


def load_config(path: Path) -> Config:
    """Read a config file in TOML, YAML or JSON."""
    content, origin = read_config_file(path)
    directory = path.parent.absolute() / str(content.pop("directory", ""))
    return parse_config(content, origin=origin, directory=directory)


def parse_config(
    content: Mapping[str, object], *, origin: Origin | str, directory: Path | None = None
) -> Config:
    """Check the content of a config, as far as that goes without NautilusTrader."""
    values: Json = _without_dates(dict(content))
    place = Path(str(values.pop("directory", directory or Path.cwd()))).absolute()
    known = origin if isinstance(origin, Origin) else Origin(origin)
    grid = values.pop("grid", {})
    if not isinstance(grid, dict):
        raise UsageError(f"{known.at(['grid'])}: grid must be a table of values, was {grid!r}")
    config = Config(values, known, place, grid=grid)
    _ = config.details if config.is_long else config.short  # which say what is wrong
    return config


def with_overrides(
    config: Config, overrides: Mapping[str, object], places: Mapping[str, str] | None = None
) -> Config:
    """Return the config with other values, by a parameter's name or a dotted key.

    Text is read as what the key holds; `places` says where an error puts a value, else `--set`.
    """
    if not overrides:
        return config
    content, others = config.content, dict(config.origin.others)
    for key, value in overrides.items():
        place = (places or {}).get(key, "--set")
        path = _path_to(key, content, place)
        content = _with(content, path, value)
        others[path] = place
    origin = replace(config.origin, others=others)
    parsed = parse_config(content, origin=origin, directory=config.directory)
    return replace(parsed, inputs=config.inputs | dict(overrides))


def described(config: Config, *, name: str | None, note: str | None, tags: Sequence[str]) -> Config:
    """Return a config whose runs are listed under another name, with a note and further tags."""
    old = config.content.get("tags") or []
    said = {"name": name, "note": note, "tags": [*old, *tags] if tags else None}
    given = {key: value for key, value in said.items() if value is not None}
    if not given:
        return config
    checked = parse_config(
        config.content | given, origin="the command line", directory=config.directory
    )
    return replace(config, content=checked.content)


def _path_to(key: str, content: Json, origin: str) -> KeyPath:
    """Return the path to what an override sets; a bare name is the first strategy's parameter."""
    parts: list[str | int] = [int(p) if p.isdecimal() else p for p in key.split(".")]
    if "venues" in content:
        is_of_run = len(parts) > 1 or key in content or key in _RUN_KEYS
        return tuple(parts) if is_of_run else ("engine", "strategies", 0, "config", key)
    sections = ("parameters", "data", "venue", "instrument", "instruments", "strategies", "engine")
    if len(parts) == 1:
        parts = ["parameters", key]
    if parts[0] not in sections:
        suggestion = did_you_mean(str(parts[0]), sections)
        raise UsageError(f"{origin}: no section {str(parts[0])!r}{suggestion}")
    if parts[0] == "parameters" and "strategies" in content:
        parts = ["strategies", 0, *parts]
    if parts[0] in ("data", "parameters") and parts[0] not in content:
        return tuple(parts)
    if parts[0] == "data" and isinstance(content["data"], list) and isinstance(parts[1], str):
        parts = ["data", 0, *parts[1:]]
    return tuple(parts)


def _with(content: Any, path: KeyPath, value: object) -> Any:
    """Return a copy of a nested value with one value in it set."""
    if not path:
        return value
    key, *below = path
    if isinstance(key, int) and isinstance(content, list) and key < len(content):
        return [_with(v, tuple(below), value) if i == key else v for i, v in enumerate(content)]
    held = content if isinstance(content, dict) else {}
    return held | {key: _with(held.get(str(key)), tuple(below), value)}


def _without_dates(value: Any) -> Any:
    """Write TOML's and YAML's dates as the text that they stand for."""
    if isinstance(value, dict):
        return {str(key): _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def validated(kind: type[Checked], content: Json, config: Config, above: KeyPath = ()) -> Checked:
    """Check what a config says under a key; what is told of an error is in its file's words."""
    from pydantic import ValidationError

    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise UsageError(_explain(error, config, above)) from None


def _listed(content: Json, origin: Origin) -> Json:
    """Write what may stand alone as a list of one."""
    given = {key: value for key, value in content.items() if key not in _STRATEGY_KEYS}
    alone = {key: content[key] for key in _STRATEGY_KEYS if key in content}
    if "strategies" in given and alone:
        raise UsageError(
            f"{origin.at([next(iter(alone))])}: give strategy or [[strategies]], not both"
        )
    if "strategies" not in given:
        given["strategies"] = [alone]
    if "data" in given and not isinstance(given["data"], list):
        given["data"] = [given["data"]]
    if "instrument" in given:
        given["instruments"] = [given.pop("instrument")]
    return given


def _explain(error: ValidationError, config: Config, above: KeyPath) -> str:
    first = error.errors()[0]
    place = (*above, *first["loc"])
    keys = _as_written(place, config.content)
    where, key = config.origin.at(keys), dotted(keys)
    if first["type"] == "missing":
        return f"{where}: {key} is missing"
    if first["type"] == "extra_forbidden":
        return f"{where}: no key {key!r}{_nearest(place, keys)}"
    if first["type"] == "value_error":
        return f"{where}: {key}: {first['ctx']['error']}"
    return f"{where}: {stated(key, in_words(first['msg']))}, was {first['input']!r}"


def _as_written(place: tuple[int | str, ...], content: Json) -> KeyPath:
    """Return the path to a key as the file has it, and not as the list of one that it became."""
    keys = list(place)
    if "parameters" in keys:  # below it, Pydantic adds which kind of JSON value it took it for
        keys = keys[: keys.index("parameters") + 2]
    if keys[:2] == ["strategies", 0] and "strategies" not in content:
        keys = keys[2:] or ["strategy"]
    if keys[:2] == ["data", 0] and not isinstance(content.get("data"), list):
        keys = ["data", *keys[2:]]
    if keys[:2] == ["instruments", 0] and "instrument" in content:
        keys = ["instrument", *keys[2:]]
    return tuple(keys)


def _nearest(place: tuple[int | str, ...], keys: KeyPath) -> str:
    from backtest_store.runner.config.grid_section import SECTIONS
    from backtest_store.runner.config.short_form import ShortForm

    for section in (str(key) for key in reversed(place[:-1])):
        if section in SECTIONS:
            return did_you_mean(str(place[-1]), SECTIONS[section].model_fields)
    alone = {*_STRATEGY_KEYS, "instrument"}
    top = {*ShortForm.model_fields, *alone} - {"strategies", "instruments"}
    nearest = did_you_mean(str(keys[-1]), top)
    return nearest if nearest.endswith("?") else f"{nearest}; a strategy's are under [parameters]"
