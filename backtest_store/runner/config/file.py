"""Read a TOML, YAML or JSON file into a mapping, or say where it is broken."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backtest_store.errors import UsageError


def read_config_file(path: Path) -> dict[str, Any]:
    """Return the mapping in a config file; its suffix tells the format."""
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise UsageError(f"{path} is not a config file; its name must end in {', '.join(_PARSERS)}")
    try:
        content = parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold keys and values, not {type(content).__name__}")
    return content


def _parse_yaml(text: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise UsageError(
            "YAML needs a package that is not installed",
            hint="pip install 'backtest-store[nautilus]', or write the file in TOML",
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
