"""Find a strategy's class and its configuration's, bundled or the user's own."""

import sys
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TypeVar

from nautilus_trader.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from backtest_store.errors import UsageError
from backtest_store.runner.config.config import BacktestConfig
from backtest_store.runner.config.suggestions import did_you_mean
from backtest_store.runner.strategies import BUNDLED

Class = TypeVar("Class")


@dataclass(frozen=True)
class StrategyClasses:
    """A strategy, importable by NautilusTrader, and what it is called."""

    strategy: type[Strategy]
    config: type[StrategyConfig]
    strategy_path: str
    config_path: str
    name: str
    strategy_type: str


def find_strategy(config: BacktestConfig) -> StrategyClasses:
    """Import the classes that the config names.

    The user's own are looked for in the config's directory and the working directory first, and
    both stay on the path, as a script's directory does.

    Raises
    ------
    UsageError
        If a class cannot be imported or is not a strategy's.
    """
    bundled = BUNDLED.get(config.strategy)
    strategy_path = bundled.strategy_path if bundled else config.strategy
    config_path = bundled.config_path if bundled else f"{strategy_path}Config"
    config_path = config.strategy_config or config_path
    if bundled is None:
        _make_importable(strategy_path, [config.directory, Path.cwd()])
    strategy = _import_class(strategy_path, Strategy)
    return StrategyClasses(
        strategy=strategy,
        config=_import_class(config_path, StrategyConfig),
        strategy_path=strategy_path,
        config_path=config_path,
        name=config.name or (bundled.display_name if bundled else strategy.__name__),
        strategy_type=config.type or (bundled.strategy_type if bundled else "unclassified"),
    )


# Top-level modules that came from a config's directory, so that another config's may replace them.
_users_modules: set[str] = set()


def _make_importable(class_path: str, directories: list[Path]) -> None:
    wanted = list(dict.fromkeys(str(directory) for directory in directories))
    sys.path[:] = wanted + [entry for entry in sys.path if entry not in wanted]
    invalidate_caches()
    top = class_path.partition(":")[0].partition(".")[0]
    found = PathFinder.find_spec(top, wanted)
    loaded = sys.modules.get(top)
    if found and loaded and top in _users_modules and loaded.__spec__ != found:
        _forget(top)
    if found and top not in sys.modules:
        _users_modules.add(top)


def _forget(top: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        del sys.modules[name]


def _import_class(class_path: str, base: type[Class]) -> type[Class]:
    module_name, _, class_name = class_path.partition(":")
    try:
        module = import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"{class_path} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    found = getattr(module, class_name, None)
    if isinstance(found, type) and issubclass(found, base):
        return found
    if found is not None:
        raise UsageError(f"{class_path} is not a {base.__name__}")
    names = [name for name, value in vars(module).items() if _is_subclass(value, base)]
    raise UsageError(f"{module_name} has no class {class_name!r}{did_you_mean(class_name, names)}")


def _is_subclass(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base
