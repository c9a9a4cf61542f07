"""Call a function with each of NautilusTrader's modules as it is imported, or at once if it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# The engine in Rust: of 2.0, and the one that 1.231 carries.
RUST_ENGINE_MODULES = ("nautilus_trader.backtest", "nautilus_trader.core.nautilus_pyo3")

OnImport = Callable[[ModuleType], None]


class ImportHook(MetaPathFinder):
    """Finds modules as everybody does, and calls a function with each when it has been loaded."""

    def __init__(self, names: Collection[str], on_import: OnImport) -> None:
        self._names = names
        self._on_import = on_import

    def install(self) -> None:
        """Call it with what is imported already, and wait for what is not."""
        for name in self._names:
            if name in sys.modules:
                self._on_import(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the modules as everybody does, and stay with it while it is loaded."""
        if name not in self._names:
            return None
        spec = self._found(name, path, target)
        if spec is not None and spec.loader is not None:
            _follow(spec.loader, self._on_import)
        return spec

    def _found(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        """Find a module, by those of our kind first that come later: each of them is called."""
        later = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        for finder in later:
            if isinstance(finder, ImportHook) and name in finder._names:  # noqa: SLF001 - of our kind
                return finder.find_spec(name, path, target)
        return PathFinder.find_spec(name, path, target)


def _follow(loader: Loader, on_import: OnImport) -> None:
    """Have a loader call the function with what it loads next, and be as it was from then on."""
    original = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        vars(loader).pop("exec_module", None)
        original(module)
        on_import(module)

    vars(loader)["exec_module"] = exec_module
