"""Find a strategy's class and its configuration's, bundled or the user's own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path

from nautilus_trader.config import StrategyConfig as NautilusStrategyConfig
from nautilus_trader.trading import Strategy

from backtest_store.errors import UsageError
from backtest_store.runner.config.short_form import StrategyConfig
from backtest_store.runner.strategies import BUNDLED
from backtest_store.suggestions import did_you_mean


@dataclass(frozen=True)
class StrategyClasses:
    """A strategy, importable by NautilusTrader, and what it is called."""

    config: type[NautilusStrategyConfig]
    strategy_path: str
    config_path: str
    name: str
    strategy_type: str


def find_strategy(strategy: StrategyConfig) -> StrategyClasses:
    """Import the classes that a config names."""
    bundled = BUNDLED.get(strategy.strategy)
    strategy_path = bundled.strategy_path if bundled else strategy.strategy
    config_path = bundled.config_path if bundled else f"{strategy_path}Config"
    config_path = strategy.strategy_config or config_path
    found = import_class(strategy_path, Strategy)
    return StrategyClasses(
        config=import_class(config_path, NautilusStrategyConfig),
        strategy_path=strategy_path,
        config_path=config_path,
        name=bundled.display_name if bundled else found.__name__,
        strategy_type=bundled.strategy_type if bundled else "unclassified",
    )


def import_class(class_path: str, base: type = object) -> type:
    """Import a class of which NautilusTrader is told the path."""
    module_name, colon, class_name = class_path.partition(":")
    if not colon:
        raise UsageError(f"{class_path!r} is not a class; write package.module:Class")
    if module_name.endswith(".py"):
        module_path = ".".join(Path(module_name).with_suffix("").parts)
        raise UsageError(f"{module_name!r} is a file; write '{module_path}:{class_name}'")
    if module_name == "__main__":
        raise UsageError(
            f"{class_name!r} is of a script or notebook; put it into a file beside this one, such"
            f" as mine.py, and write 'mine:{class_name}'"
        )
    try:
        module = import_module(module_name)
    except Exception as error:
        raise UsageError(_unimportable(class_path, error)) from error
    found = getattr(module, class_name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    if found is not None:
        raise UsageError(f"{class_path} is not a {base.__name__}")
    classes = {name: value for name, value in vars(module).items() if isinstance(value, type)}
    names = [name for name, value in classes.items() if issubclass(value, base) and value != base]
    raise UsageError(f"{module_name} has no class {class_name!r}{did_you_mean(class_name, names)}")


def _unimportable(class_path: str, error: Exception) -> str:
    if not isinstance(error, ModuleNotFoundError):
        return f"{class_path} cannot be imported: {type(error).__name__}: {error}"
    if not class_path.replace(":", ".").startswith(f"{error.name}."):
        return f"{class_path} cannot be imported: {error}"
    return (
        f"no module {error.name!r} beside this file, in the working directory, or installed;"
        f" write package.module:Class, was {class_path!r}"
    )


_folders: set[str] = set()  # where the modules of configs were looked for


def make_importable(*directories: Path) -> None:
    """Look for modules in these folders first; other configs' of the same names are forgotten."""
    wanted = list(dict.fromkeys(map(str, directories)))
    invalidate_caches()
    if sys.path[: len(wanted)] == wanted:
        return
    sys.path[:] = wanted + [entry for entry in sys.path if entry not in wanted]
    _folders.update(wanted)
    for top in [name for name in sys.modules if "." not in name]:
        origin = getattr(getattr(sys.modules[top], "__spec__", None), "origin", None)
        if origin is not None and _folders & set(map(str, Path(origin).parents[:2])):
            found = PathFinder.find_spec(top, wanted)
            if found is not None and found.origin != origin:
                _forget(top)


def _forget(top: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]
