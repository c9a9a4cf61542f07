"""Read a TOML, YAML or JSON file, and tell on which line each of its keys stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from backtest_store.errors import UsageError
from backtest_store.suggestions import did_you_mean

KeyPath = tuple[str | int, ...]
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


class UnfitError(UsageError):
    """What a configuration names is not there, or does not fit; `keys` say where it is named."""

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys


@dataclass(frozen=True)
class Origin:
    """Where a configuration was written, for the errors about it."""

    name: str  # a file's path, or an option such as `--set`
    # the line of each key that has one of its own, by the key as people write it
    lines: dict[str, int] = field(default_factory=dict)
    # what else has set a key, such as `--set`, by the path to the key
    others: dict[KeyPath, str] = field(default_factory=dict)

    def at(self, keys: Sequence[str | int] = ()) -> str:
        """Name the place of a key: its line, or that of the nearest key around it."""
        for length in range(len(keys), 0, -1):
            if tuple(keys[:length]) in self.others:
                return self.others[tuple(keys[:length])]
            line = self.lines.get(dotted(keys[:length]))
            if line is not None:
                return f"{self.name}, line {line}"
        return self.name

    @contextmanager
    def placing(self, keys: Sequence[str | int]) -> Iterator[None]:
        """Put the place of a key before what is wrong with it, unless a place is named already."""
        try:
            yield
        except UsageError as error:
            if str(error).startswith((self.name, *self.others.values())):
                raise
            raise UsageError(self._placed(error, keys), hint=error.hint) from error

    def _placed(self, error: UsageError, keys: Sequence[str | int]) -> str:
        if isinstance(error, UnfitError):
            known = {*self.lines} & {dotted(error.keys), str(error.keys[0])}
            where = self.at(error.keys) if known else self.at(keys)
            return f"{where}: {stated(dotted(error.keys), error)}"
        is_said = not keys or str(error).startswith(str(keys[-1]))
        return f"{self.at(keys)}: {'' if is_said else f'{dotted(keys)}: '}{error}"


@dataclass(frozen=True)
class Place:
    """Where in a config a value stands."""

    keys: KeyPath
    origin: Origin

    def below(self, *keys: str | int) -> Place:
        """Return a place below this one."""
        return Place((*self.keys, *keys), self.origin)

    def refuse(self, reason: object, value: object = ...) -> NoReturn:
        """Raise a `UsageError` that names the place, and the value if there is one."""
        was = "" if value is ... else f", was {value!r}"
        raise UsageError(f"{self.origin.at(self.keys)}: {stated(dotted(self.keys), reason)}{was}")

    def refuse_key(self, known: Iterable[str]) -> NoReturn:
        """Raise a `UsageError` that names the place as one that there is not."""
        nearest = did_you_mean(str(self.keys[-1]), known)
        raise UsageError(f"{self.origin.at(self.keys)}: no key {dotted(self.keys)!r}{nearest}")


def stated(key: str, said: object) -> str:
    """Join a key and what is said of it into one sentence."""
    if not key:
        return str(said)
    is_sentence = str(said).startswith(("must be ", "is ", "has ", "needs "))
    return f"{key} {said}" if is_sentence else f"{key}: {said}"


def dotted(keys: Sequence[str | int]) -> str:
    """Write the path to a key as people do: ``venues[0].oms_type``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def read_config_file(path: Path) -> tuple[dict[str, Any], Origin]:
    """Return the mapping in a config file, by the format of its suffix, and where its keys are."""
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise UsageError(f"{path} is not a config file; its name must end in {', '.join(_PARSERS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = parse(text)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold keys and values, not {type(content).__name__}")
    found = _toml_lines(text) if path.suffix.lower() == ".toml" else _yaml_lines(text)
    return content, Origin(str(path), {dotted(keys): line for keys, line in found})


def _parse_yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise UsageError(
            "YAML needs a package that is not installed",
            hint="install pyyaml, or write the file in TOML",
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


_PARSERS: dict[str, Callable[[str], Any]] = {
    ".toml": tomllib.loads,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".json": json.loads,
}


def _toml_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    counts: Counter[KeyPath] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _numbered(_parts(header[2]), counts, is_new=header[1] == "[[")
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key[1])), number


def _numbered(names: Sequence[str], counts: Counter[KeyPath], *, is_new: bool) -> KeyPath:
    """Return the path to a table, with the places of those on the way that are in lists."""
    path: KeyPath = ()
    for place, name in enumerate(names, 1):
        path = (*path, name)
        if is_new and place == len(names):
            counts[path] += 1
        if counts[path]:
            path = (*path, counts[path] - 1)
    return path


def _parts(dotted_name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted_name.split(".")]


def _yaml_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield the lines of YAML, and of JSON, which is YAML too."""
    try:
        import yaml

        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (ImportError, yaml.YAMLError):  # JSON that is indented by tabs
        return
    if root is not None:
        yield from _node_lines(root, ())


def _node_lines(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if node.id == "mapping":
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, key.start_mark.line + 1
            yield from _node_lines(value, below)
    elif node.id == "sequence":
        for place, item in enumerate(node.value):
            yield (*path, place), item.start_mark.line + 1
            yield from _node_lines(item, (*path, place))
